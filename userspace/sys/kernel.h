// What the running kernel says about itself. Words, not proof: what it can do is found out by bpf/probes.h.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace trigon::sys {

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  auto operator<=>(const KernelVersion&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
};
// "6.1.0-44-cloud-amd64" to 6.1.0; what is not a number counts as 0.
KernelVersion parse_kernel_version(std::string_view release);

enum class Lockdown : uint8_t { kUnknown, kNone, kIntegrity, kConfidentiality };
// Of the text of /sys/kernel/security/lockdown: "none [integrity] confidentiality".
Lockdown parse_lockdown(std::string_view text);
const char* lockdown_name(Lockdown mode);

// The build options, from /proc/config.gz or /boot/config-RELEASE.
class KernelConfig {
 public:
  KernelConfig() = default;
  static KernelConfig parse(std::string_view text, std::string source);

  bool known() const { return !source_.empty(); }
  const std::string& source() const { return source_; }
  // "y", "m" or another value; nullopt when it is off or not an option of this kernel.
  std::optional<std::string_view> value(std::string_view option) const;
  bool has(std::string_view option) const { return value(option).has_value(); }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::string source_;
};

struct Mount {
  std::string type;
  std::string point;
  std::string options;  // of the file system: "rw,cpu,cpuacct"
};
// Of the text of /proc/PID/mountinfo.
std::vector<Mount> parse_mounts(std::string_view mountinfo);

// What this process may do.
struct Privileges {
  uint64_t effective = 0;              // capability set
  bool initial_user_namespace = true;  // capabilities of another one do not count for BPF
  bool filtered = false;               // by seccomp
  bool has(unsigned capability) const { return (effective >> capability) & 1; }
};

// Read when asked for, remembered afterwards; not for use from two threads.
class Kernel {
 public:
  // root: of a made-up tree in tests; "" is the machine.
  explicit Kernel(std::string root = {});

  const std::string& release() const { return release_; }
  KernelVersion version() const { return parse_kernel_version(release_); }
  const std::string& architecture() const { return architecture_; }
  const KernelConfig& config() const;
  Lockdown lockdown() const;
  // Active security modules, in order; empty when securityfs cannot be read.
  const std::vector<std::string>& security_modules() const;
  const std::vector<Mount>& mounts() const;
  // The first of a type, or nullptr.
  const Mount* mount_of(std::string_view type) const;
  const Privileges& privileges() const;
  // File of the tree, e.g. "/proc/self/loginuid".
  std::string path(std::string_view file) const { return root_ + std::string(file); }

  // Other processes that run a program of this name, e.g. {"812 trigon agent"}.
  std::vector<std::string> others_named(std::string_view name) const;

 private:
  std::string security_file(const char* name) const;

  std::string root_;
  std::string release_;
  std::string architecture_;
  mutable std::optional<KernelConfig> config_;
  mutable std::optional<Lockdown> lockdown_;
  mutable std::optional<std::vector<std::string>> modules_;
  mutable std::optional<std::vector<Mount>> mounts_;
  mutable std::optional<Privileges> privileges_;
};

// The root of a fresh instance of a file system ("tracefs", "securityfs", "cgroup2") without mounting it anywhere: it
// is gone with the descriptor. Needs CAP_SYS_ADMIN. Invalid with errno on failure.
Fd open_filesystem(const char* type);
// The whole of a small file; relative to a directory when dir >= 0.
Result<std::string> read_small_file(const std::string& path, int dir = -1);
// A gzip file, unpacked.
Result<std::string> read_gzip_file(const std::string& path);

}  // namespace trigon::sys
