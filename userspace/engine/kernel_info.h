// RunningKernel: what policy validation asks about the kernel that this process runs on. Types come from BTF, records
// of tracepoints and names of functions from tracefs, which need not be mounted.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "bpf/kernel_types.h"
#include "policy/kernel_info.h"
#include "policy/syscalls.h"

namespace trigon::engine {

// Reads nothing until it is asked, and then remembers: about 10 MiB of types and names. Whoever keeps it for long calls
// forget() after a round of policies; answers that were given stay, so that the next policy on the same hooks costs no
// reading. One thread at a time.
class RunningKernel : public policy::KernelInfo {
 public:
  struct Paths {  // of a made-up kernel in tests
    std::string types = bpf::KernelTypes::kPath;
    std::string modules = bpf::KernelTypes::kDirectory;
    std::string tracefs;  // empty: an instance of its own
  };

  // `host`: inode numbers of the first namespaces (daemon/runtime.cc finds them).
  explicit RunningKernel(const trigon_namespaces& host);
  RunningKernel(const trigon_namespaces& host, Paths paths);
  ~RunningKernel() override;

  Result<policy::Prototype> function(const std::string& name) const override;
  Result<policy::Prototype> lsm(const std::string& hook) const override;
  Result<policy::Prototype> raw_tracepoint(const std::string& event) const override;
  Result<std::vector<policy::TracepointField>> tracepoint(const std::string& subsystem,
                                                          const std::string& event) const override;
  Result<std::vector<std::string>> functions(const std::string& pattern) const override;
  Result<policy::Resolved> resolve(const std::string& start, const std::string& module,
                                   const std::string& path) const override;
  std::optional<uint32_t> pt_regs_offset(std::string_view name) const override;
  trigon_namespaces host_namespaces() const override { return host_; }

  void forget();
  // Opens tracefs, which may need a privilege that goes away after the start. No error: questions about tracepoints
  // will say why there is no answer.
  void open_tracefs() { (void)tracefs(); }

 private:
  Result<policy::Prototype> read_function(const std::string& name) const;
  Result<policy::Prototype> read_lsm(const std::string& hook) const;
  Result<policy::Prototype> read_raw_tracepoint(const std::string& event) const;
  Result<policy::Resolved> read_path(const std::string& start, const std::string& module,
                                     const std::string& path) const;

  struct Types;
  struct Found;

  Result<const Types*> kernel_types() const;
  Result<const Types*> module_types(const std::string& name) const;
  std::vector<std::string> module_names() const;
  Result<Found> find_function(const std::string& name) const;
  Result<Found> find_structure(const std::string& name, const std::string& module) const;
  Result<int> tracefs() const;

  trigon_namespaces host_;
  Paths paths_;
  mutable std::unique_ptr<Types> kernel_;
  mutable std::map<std::string, std::unique_ptr<Types>> modules_;
  mutable Fd tracefs_;
  // Answers, by what was asked; at most kMaxAnswers of each.
  static constexpr size_t kMaxAnswers = 4096;
  mutable std::map<std::string, policy::Prototype> prototypes_;
  mutable std::map<std::string, policy::Resolved> member_paths_;
  mutable std::vector<std::string> functions_;  // available_filter_functions
};

}  // namespace trigon::engine
