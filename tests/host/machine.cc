#include "machine.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "folder.h"

namespace trigon::host {
namespace {

std::string from_environment(const char* variable, std::string_view otherwise) {
  const char* value = ::getenv(variable);
  if (value != nullptr && *value != 0) return value;
  // build/<preset>/tests/host/trigon_host_tests
  return std::filesystem::path(this_binary()).parent_path().parent_path().parent_path() / otherwise;
}

}  // namespace

std::string this_binary() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::string trigon_binary() {
  static const std::string path = from_environment("TRIGON_BIN", "trigon");
  return path;
}

std::string trigger(std::string_view name) {
  static const std::string folder = from_environment("TRIGON_TRIGGERS", "tests/triggers");
  return folder + "/" + std::string(name);
}

std::string why_no_bpf() {
  if (::geteuid() != 0) return "loading BPF programs needs root";
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) return "this kernel has no BTF (/sys/kernel/btf/vmlinux)";
  // That the binary or the triggers are missing is no reason to skip: starting them then fails the test.
  return {};
}

bool is_emulated() {
  static const bool emulated = read_file("/proc/cpuinfo").find("TCG") != std::string::npos;
  return emulated;
}

double patience(double seconds) { return is_emulated() ? seconds * 8 : seconds; }

Folder::Folder() {
  const char* base = ::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/trigon-test.XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr)
    throw std::filesystem::filesystem_error(path_, std::error_code(errno, std::generic_category()));
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(std::string_view name, std::string_view text) const {
  const std::string path = file(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace trigon::host
