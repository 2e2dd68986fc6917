#include "policy/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace trigon::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string policy(const std::string& name) {
  return "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: " + name +
         "\nspec:\n  kprobes:\n  - call: sys_getpid\n";
}

class Load : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "trigon-load-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  static std::vector<std::string> names(const Loaded& loaded) {
    std::vector<std::string> out;
    for (const Policy& p : loaded.policies) out.push_back(p.name);
    return out;
  }
  Loaded load(std::vector<std::string> paths) { return load_paths(paths); }

  std::filesystem::path dir_;
};

TEST_F(Load, TakesYamlFilesOfADirectoryInOrder) {
  file("b.yaml", policy("b"));
  file("a.yml", policy("a"));
  file("README.md", "no policy");
  std::filesystem::create_directory(dir_ / "sub.yaml");
  const Loaded loaded = load({dir_});
  EXPECT_EQ(format(loaded.diagnostics), "");
  EXPECT_THAT(names(loaded), ElementsAre("a", "b"));
  EXPECT_EQ(loaded.files, 2u);
}

TEST_F(Load, TakesEveryDocumentOfAFile) {
  const Loaded loaded = load({file("x.yaml", "---\n" + policy("a") + "---\n" + policy("b") + "---\n")});
  EXPECT_EQ(format(loaded.diagnostics), "");
  EXPECT_THAT(names(loaded), ElementsAre("a", "b"));
}

TEST_F(Load, KeepsTheGoodOnesBesideTheBad) {
  const Loaded loaded = load({file("x.yaml", policy("a") + "---\n" + policy("B") + "---\n" + policy("c"))});
  EXPECT_THAT(names(loaded), ElementsAre("a", "c"));
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(loaded.diagnostics[0].position.line, 12u);
}

TEST_F(Load, ManyErrorsAreCutButStillCount) {
  std::string bad = policy("a");
  for (int i = 0; i < 60; ++i) bad += "  - {}\n";
  const Loaded loaded = load({file("x.yaml", bad + "---\n" + policy("B"))});
  EXPECT_THAT(names(loaded), ElementsAre()) << "the second document is wrong too, although nobody reads it";
  ASSERT_EQ(loaded.diagnostics.size(), 51u);
  EXPECT_EQ(format(loaded.diagnostics.back()), (dir_ / "x.yaml").string() + ": too many errors, the rest is not shown");
}

TEST_F(Load, NamesAreUniqueOverFiles) {
  const std::string first = file("1.yaml", policy("same"));
  const std::string second = file("2.yaml", policy("same"));
  const Loaded loaded = load({first, second});
  EXPECT_THAT(names(loaded), ElementsAre("same"));
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_THAT(format(loaded.diagnostics),
              HasSubstr("2.yaml:4:9: a policy named `same` already exists (" + first + ":4)"));
}

TEST_F(Load, SaysWhatCannotBeRead) {
  const Loaded loaded = load({dir_ / "none.yaml"});
  EXPECT_EQ(format(loaded.diagnostics), (dir_ / "none.yaml").string() + ": No such file or directory\n");
}

}  // namespace
}  // namespace trigon::policy
