// FakeTree: a directory tree from an initialiser list, gone when the test ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

namespace trigon::test {

class FakeTree {
 public:
  // {"1/stat", "text"}; a path that ends in '@' is a symbolic link to the text.
  FakeTree(std::initializer_list<std::pair<std::string, std::string>> files) {
    std::string pattern = (std::filesystem::temp_directory_path() / "trigon-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    for (auto [name, text] : files) {
      const bool is_link = name.back() == '@';
      if (is_link) name.pop_back();
      const std::filesystem::path path = root_ / name;
      std::filesystem::create_directories(path.parent_path());
      if (is_link) {
        std::filesystem::create_symlink(text, path);
      } else {
        std::ofstream(path, std::ios::binary) << text;
      }
    }
  }
  ~FakeTree() { std::filesystem::remove_all(root_); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  std::string root() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

}  // namespace trigon::test
