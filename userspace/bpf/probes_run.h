// What the probes are made of: the outcome of a try, a program that tells whether it ran, the kernel's BTF.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

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

class KernelTypes;

class ProbeContext {
 public:
  sys::Kernel& kernel() { return kernel_; }
  // Id of a type in the running kernel's BTF, 0 when there is none. Of the names in probes_types.cc only: they are
  // looked up in one pass, and no BTF is held.
  uint32_t btf_id(std::string_view name);
  // Byte offset of struct file's f_path, -1 when unknown.
  int file_path_offset();
  // Takes the ids from types that were read already; otherwise they are read when first asked for.
  void learn_types(const KernelTypes& types);
  // Why btf_id() was 0.
  Outcome no_type(std::string_view name);
  // cgroup2's root, whether it is mounted or not.
  Fd cgroup_root();

 private:
  void look_up_types();

  sys::Kernel kernel_;
  bool looked_up_ = false;
  bool has_btf_ = false;
  std::map<std::string, uint32_t, std::less<>> ids_;
  int file_path_offset_ = -1;
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
  // Fires until the program marked, at most three times, then says how it went.
  template <typename Fire>
  Outcome ran_after(Fire fire, const char* otherwise = "the program was attached but did not run") const {
    for (int i = 0; i < 3; i++) {
      fire();
      if (value() != 0) return Outcome::yes();
    }
    return Outcome::no(0, otherwise);
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
Outcome run_on_rename(ProbeContext& context, const Code& code, const Canary& canary,
                      const char* otherwise = "the program was attached but did not run");
// Runs code as a socket filter, which needs no attaching; the value is what it returned.
Outcome run_as_filter(const Code& code, uint32_t* value = nullptr, const bpf_prog_load_opts& options = no_options());

}  // namespace trigon::bpf
