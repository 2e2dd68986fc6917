#include "sys/kernel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace trigon::sys {
namespace {

// PROC_USER_INIT_INO of include/linux/proc_ns.h: the inode of the first user namespace, the same on every kernel.
constexpr ino_t kInitialUserNamespace = 0xEFFFFFFDU;

// Calls each(line) for the lines of a text.
template <typename Each>
void for_each_line(std::string_view text, Each each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// mountinfo writes blank, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    unsigned value = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 1] + 3, value, 8).ptr == &text[i + 1] + 3) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

KernelVersion parse_kernel_version(std::string_view release) {
  KernelVersion version;
  const char* at = release.data();
  const char* end = at + release.size();
  for (unsigned* part : {&version.major, &version.minor, &version.patch}) {
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc() || next == end || *next != '.') break;
    at = next + 1;
  }
  return version;
}

Lockdown parse_lockdown(std::string_view text) {
  if (text.find("[none]") != std::string_view::npos) return Lockdown::kNone;
  if (text.find("[integrity]") != std::string_view::npos) return Lockdown::kIntegrity;
  if (text.find("[confidentiality]") != std::string_view::npos) return Lockdown::kConfidentiality;
  return Lockdown::kUnknown;
}

const char* lockdown_name(Lockdown mode) {
  switch (mode) {
    case Lockdown::kNone:
      return "none";
    case Lockdown::kIntegrity:
      return "integrity";
    case Lockdown::kConfidentiality:
      return "confidentiality";
    case Lockdown::kUnknown:
      break;
  }
  return "unknown";
}

KernelConfig KernelConfig::parse(std::string_view text, std::string source) {
  KernelConfig config;
  config.source_ = std::move(source);
  for_each_line(text, [&](std::string_view line) {
    const size_t equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == std::string_view::npos) return;
    config.values_.emplace(line.substr(0, equals), line.substr(equals + 1));
  });
  return config;
}

std::optional<std::string_view> KernelConfig::value(std::string_view option) const {
  const auto found = values_.find(option);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for_each_line(mountinfo, [&](std::string_view line) {
    // ID PARENT DEVICE ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE SUPER_OPTIONS
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) return;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 6 || after.empty()) return;
    mounts.push_back({std::string(after[0]), unescape(before[4]), std::string(after.back())});
  });
  return mounts;
}

Kernel::Kernel(std::string root) : root_(std::move(root)) {
  utsname name = {};
  uname(&name);
  architecture_ = name.machine;
  release_ = name.release;
  if (root_.empty()) return;
  if (auto text = read_small_file(path("/proc/sys/kernel/osrelease"))) {
    release_ = std::move(*text);
    while (!release_.empty() && release_.back() == '\n') release_.pop_back();
  }
}

const KernelConfig& Kernel::config() const {
  if (config_) return *config_;
  config_.emplace();
  if (auto text = read_gzip_file(path("/proc/config.gz"))) {
    config_ = KernelConfig::parse(*text, "/proc/config.gz");
    return *config_;
  }
  for (const std::string& file : {"/boot/config-" + release_, "/lib/modules/" + release_ + "/config"}) {
    if (auto text = read_small_file(path(file))) {
      config_ = KernelConfig::parse(*text, file);
      break;
    }
  }
  return *config_;
}

std::string Kernel::security_file(const char* name) const {
  if (auto text = read_small_file(path("/sys/kernel/security/") + name)) return std::move(*text);
  if (!root_.empty()) return {};
  const Fd directory = open_filesystem("securityfs");
  if (!directory) return {};
  return read_small_file(name, directory.get()).value_or({});
}

Lockdown Kernel::lockdown() const {
  if (!lockdown_) lockdown_ = parse_lockdown(security_file("lockdown"));
  return *lockdown_;
}

const std::vector<std::string>& Kernel::security_modules() const {
  if (!modules_) {
    modules_.emplace();
    const std::string text = security_file("lsm");
    for (std::string_view name : split(text, ',')) {
      modules_->emplace_back(name.substr(0, name.find('\n')));
    }
  }
  return *modules_;
}

const std::vector<Mount>& Kernel::mounts() const {
  if (!mounts_) mounts_ = parse_mounts(read_small_file(path("/proc/self/mountinfo")).value_or({}));
  return *mounts_;
}

const Mount* Kernel::mount_of(std::string_view type) const {
  const auto& all = mounts();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Mount& mount) { return mount.type == type; });
  return found == all.end() ? nullptr : &*found;
}

const Privileges& Kernel::privileges() const {
  if (privileges_) return *privileges_;
  privileges_.emplace();
  const std::string status = read_small_file(path("/proc/self/status")).value_or({});
  for_each_line(status, [&](std::string_view line) {
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return;
    const std::string_view value = line.substr(tab + 1);
    if (line.starts_with("CapEff:")) {
      std::from_chars(value.data(), value.data() + value.size(), privileges_->effective, 16);
    }
    if (line.starts_with("Seccomp:")) privileges_->filtered = value != "0";
  });
  struct stat inode = {};
  if (root_.empty() && stat("/proc/self/ns/user", &inode) == 0) {
    privileges_->initial_user_namespace = inode.st_ino == kInitialUserNamespace;
  }
  return *privileges_;
}

std::vector<std::string> Kernel::others_named(std::string_view name) const {
  std::vector<std::string> found;
  const std::string self = std::to_string(getpid());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path("/proc"), error)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == self) continue;
    auto arguments = read_small_file(entry.path() / "cmdline");
    if (!arguments || arguments->empty()) continue;
    const std::string_view program(arguments->c_str());
    if (program.substr(program.rfind('/') + 1) != name) continue;
    std::string line = pid;
    for (std::string_view argument : split(*arguments, '\0')) line.append(" ").append(argument);
    found.push_back(std::move(line));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace trigon::sys
