#include "cli/config_dir.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace trigon::cli {
namespace {

class ConfigDir : public ::testing::Test {
 protected:
  ConfigDir() {
    std::string name = ::testing::TempDir() + "trigon-config-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~ConfigDir() override {
    std::filesystem::remove_all(path_);
    unsetenv("TRIGON_EXPORT_FILENAME");
  }
  void put(const std::string& key, const std::string& value) { std::ofstream(path_ + "/" + key) << value; }

  static constexpr std::array<std::string_view, 2> kKeys{"export-filename", "tracing-policy-dir"};
  std::string path_;
};

TEST_F(ConfigDir, BecomesVariables) {
  put("export-filename", "  /var/log/x.json\n");
  put("..data", "passed over");
  ASSERT_TRUE(load_config_dir(path_, true, kKeys).ok());
  EXPECT_STREQ(std::getenv("TRIGON_EXPORT_FILENAME"), "/var/log/x.json");
}

TEST_F(ConfigDir, VariablesWin) {
  setenv("TRIGON_EXPORT_FILENAME", "/mine", 1);
  put("export-filename", "/var/log/x.json");
  ASSERT_TRUE(load_config_dir(path_, true, kKeys).ok());
  EXPECT_STREQ(std::getenv("TRIGON_EXPORT_FILENAME"), "/mine");
}

TEST_F(ConfigDir, UnknownKeyNamesTheNearest) {
  put("export-filname", "/x");
  auto result = load_config_dir(path_, true, kKeys);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kUsage);
  EXPECT_NE(result.error().message().find("did you mean `export-filename`"), std::string::npos)
      << result.error().message();
}

TEST_F(ConfigDir, MissingOnlyMattersWhenAsked) {
  EXPECT_TRUE(load_config_dir(path_ + "/none", false, kKeys).ok());
  EXPECT_FALSE(load_config_dir(path_ + "/none", true, kKeys).ok());
}

}  // namespace
}  // namespace trigon::cli
