// What the probes are made of: the outcome of a try, a program that tells whether it ran, the kernel's BTF.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "bpf/probes_code.h"
#include "sys/kernel.h"

namespace trigon::bpf {

// Worked, or the step that was refused with its errno (0: the step succeeded without effect) and the verifier's last
// words.
struct Outcome {
  bool worked = false;
  int error = 0;
  std::string step;
  std::string detail;
  // A program hung on a path that a BPF trampoline serves was refused; explain() then looks at the lockdown mode.
  bool trampoline = false;

  static Outcome yes(std::string detail = {}) { return {true, 0, {}, std::move(detail)}; }
  static Outcome no(int error, std::string step, std::string detail = {}) {
    return {false, error, std::move(step), std::move(detail)};
  }
};

class ProbeContext {
 public:
  sys::Kernel& kernel() { return kernel_; }
  // The running kernel's BTF, parsed when first asked for; nullptr when there is none.
  const btf* vmlinux();
  // 0 when there is no such type.
  uint32_t btf_id(const char* name, uint32_t kind);
  // cgroup2's root, whether it is mounted or not.
  Fd cgroup_root();
  // Gives back the memory of the BTF.
  void forget();

 private:
  struct FreeBtf {
    void operator()(btf* types) const { btf__free(types); }
  };
  sys::Kernel kernel_;
  std::unique_ptr<btf, FreeBtf> vmlinux_;
  bool tried_vmlinux_ = false;
};

// A loaded program or the reason why not.
struct Loaded {
  Fd fd;
  Outcome failure;
  explicit operator bool() const { return fd.valid(); }
};
inline bpf_prog_load_opts no_options() {
  bpf_prog_load_opts options = {};
  options.sz = sizeof(options);
  return options;
}
Loaded load(bpf_prog_type type, const Code& code, const bpf_prog_load_opts& options = no_options());

// A map of one number that a program sets to 1 (Code::mark) to show that it ran.
class Canary {
 public:
  Canary();
  bool valid() const { return map_.valid(); }
  int map() const { return map_.get(); }
  Outcome failure() const;
  uint64_t value() const;
  // Fires until the program ran, at most three times, then says how it went.
  template <typename Fire>
  Outcome ran_after(Fire fire) const {
    for (int i = 0; i < 3; i++) {
      fire();
      if (value() != 0) return Outcome::yes();
    }
    return Outcome::no(0, "the program was attached but did not run");
  }

 private:
  Fd map_;
  int error_ = 0;
};

// Options for programs that name a kernel type: typed tracepoints, iterators, functions, security hooks.
bpf_prog_load_opts attach_options(bpf_attach_type type, uint32_t btf_id, uint32_t flags = 0);

// Makes the tracepoint task:task_rename fire: sets this thread's name to what it is.
void rename_self();
// Runs code as tp_btf/task_rename: load, attach, fire, look.
Outcome run_on_rename(ProbeContext& context, const Code& code, const Canary& canary);
// Runs code as a socket filter, which needs no attaching; the value is what it returned.
Outcome run_as_filter(const Code& code, uint32_t* value = nullptr, const bpf_prog_load_opts& options = no_options());

}  // namespace trigon::bpf
