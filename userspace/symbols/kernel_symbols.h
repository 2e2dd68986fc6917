// KernelSymbols: names of kernel functions, from /proc/kallsyms.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/tracefs.h"

namespace trigon::symbols {

// Nothing is read before the first question; then the text symbols are held in four arrays (about 5 MiB for the 120,000
// of a distribution's kernel) until nobody has asked for a while. Reading takes 50 to 200 ms.
// Single-threaded.
class KernelSymbols {
 public:
  using Clock = std::chrono::steady_clock;
  struct Limits {
    // How long after the last question the table is kept.
    std::chrono::seconds keep_unused{120};
    // Modules and BPF programs come and go: an address outside the kernel proper is looked up in a table that is at
    // most this old.
    std::chrono::seconds refresh_modules{30};
    // Behind the last symbol before it, an address this far away is in something that has no symbol.
    uint64_t max_function = uint64_t{1} << 20;
  };

  // The file is opened here, so that it may be read after CAP_SYSLOG has been given up: the kernel decides by who
  // opened it (kptr_restrict=1). No error: every question then answers with nothing, and why() says it.
  KernelSymbols();
  explicit KernelSymbols(Limits limits, const std::string& path = "/proc/kallsyms");

  struct Symbol {
    std::string_view name;
    std::string_view module;  // "nf_tables", "bpf"; empty: the kernel proper
    uint64_t offset = 0;      // of the address in the function
  };
  // The views are valid until the next call of any member.
  std::optional<Symbol> find(uint64_t address);
  // The first function of that name, in the order of the addresses.
  std::optional<uint64_t> address_of(std::string_view name);

  // Names of functions that can be traced, without duplicates, sorted: available_filter_functions where the tracing
  // file system has it, otherwise all functions of kallsyms (then some cannot be).
  Result<std::vector<std::string>> functions(const sys::Tracefs* tracefs);

  // Forgets the table when it is due; call it now and then.
  void tidy(Clock::time_point now = Clock::now());
  // Why there are no answers; empty when there are.
  const std::string& why() const { return why_; }
  // Memory of the table, 0 while it is not loaded.
  size_t bytes() const;
  size_t size() const { return addresses_.size(); }

 private:
  bool load();
  bool ensure(bool is_module_address = false);
  void clear();

  Limits limits_;
  std::string path_;
  Fd fd_;
  std::string why_;
  Clock::time_point loaded_;
  Clock::time_point used_;
  uint64_t text_begin_ = 0, text_end_ = 0;  // of the kernel proper
  // By address. names_[i] is the offset of a NUL-terminated name, modules_[i] counts in module_names_ (0: none).
  std::vector<uint64_t> addresses_;
  std::vector<uint32_t> names_;
  std::vector<uint16_t> modules_;
  std::vector<char> text_;
  std::vector<std::string> module_names_;
};

}  // namespace trigon::symbols
