// What hangs on a BPF trampoline: function entry and exit, changed return values, security hooks.
//
// Programs hang on bpf_fentry_test1, which the kernel keeps for such tests, and on the hook of syslog(2), which is
// seldom called and which every program here lets pass.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

constexpr int kSyslogActionSizeBuffer = 10;  // asks for the size of the kernel's log, changes nothing
constexpr int kPathRoom = 64;                // "/dev/null" and some

void ask_log_size() { klogctl(kSyslogActionSizeBuffer, nullptr, 0); }

struct Hook {
  bpf_prog_type type = BPF_PROG_TYPE_TRACING;
  bpf_attach_type attach_type;
  const char* function;
  uint32_t flags = 0;
};

// A program that is loaded for a hook and attached to it, or why not.
struct Attached {
  Loaded program;
  Fd link;
  Outcome failure;
};

Attached attach(ProbeContext& context, const Hook& hook, const Code& code) {
  Attached attached;
  const uint32_t id = context.btf_id(hook.function);
  if (id == 0) {
    attached.failure = context.no_type(hook.function);
    return attached;
  }
  attached.program = load(hook.type, code, attach_options(hook.attach_type, id, hook.flags));
  if (!attached.program) {
    attached.failure = attached.program.failure;
  } else {
    attached.link = Fd(bpf_raw_tracepoint_open(nullptr, attached.program.fd.get()));
    if (!attached.link) attached.failure = Outcome::no(errno, std::string("attaching to ") + hook.function);
  }
  attached.failure.trampoline = true;
  return attached;
}

template <typename Fire>
Outcome run_on_hook(ProbeContext& context, const Hook& hook, const Code& code, const Canary& canary, Fire fire) {
  if (!canary.valid()) return canary.failure();
  const Attached attached = attach(context, hook, code);
  if (!attached.link) return attached.failure;
  return canary.ran_after(fire);
}

// The kernel calls its test functions when one of the programs on them is "run".
Outcome run_on_test_function(ProbeContext& context, bpf_attach_type type) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Attached attached =
      attach(context, {.attach_type = type, .function = "bpf_fentry_test1"}, Code().mark(canary.map()).exit(0));
  if (!attached.link) return attached.failure;
  return canary.ran_after([&] {
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    bpf_prog_test_run_opts(attached.program.fd.get(), &options);
  });
}

}  // namespace

Outcome probe_fentry(ProbeContext& context) { return run_on_test_function(context, BPF_TRACE_FENTRY); }

Outcome probe_fexit(ProbeContext& context) { return run_on_test_function(context, BPF_TRACE_FEXIT); }

Outcome probe_fmod_ret(ProbeContext& context) {
  const Canary canary;
  return run_on_hook(context, {.attach_type = BPF_MODIFY_RETURN, .function = "security_syslog"},
                     Code().mark(canary.map()).exit(0), canary, ask_log_size);
}

// For the one function of the kernel's list for bpf_d_path that is easily called.
Outcome probe_d_path(ProbeContext& context) {
  const int offset = context.file_path_offset();
  if (offset < 0) return context.no_type("file::f_path");
  const Canary canary;
  Code code;
  code.load(BPF_REG_1, BPF_REG_1, 0).add_imm(BPF_REG_1, offset);
  for (int at = kPathRoom; at > 0; at -= 8) code.store(BPF_REG_10, -at, 0);
  code.copy(BPF_REG_2, BPF_REG_10).add_imm(BPF_REG_2, -kPathRoom).mov(BPF_REG_3, kPathRoom).call(BPF_FUNC_d_path);
  code.skip_if_negative(BPF_REG_0, Code::kMarkSize).mark(canary.map()).exit(0);
  return run_on_hook(context, {.attach_type = BPF_TRACE_FENTRY, .function = "security_file_open"}, code, canary,
                     [] { Fd(open("/dev/null", O_RDONLY | O_CLOEXEC)).reset(); });
}

Outcome probe_lsm(ProbeContext& context) {
  const Canary canary;
  return run_on_hook(context, {.type = BPF_PROG_TYPE_LSM, .attach_type = BPF_LSM_MAC, .function = "bpf_lsm_syslog"},
                     Code().mark(canary.map()).exit(0), canary, ask_log_size);
}

// 5.10 has one hook for sleepable programs (423f16108c9d brought the others, in 5.11), after an exec was decided: it is
// attached to, but no program is executed for it.
Outcome probe_lsm_sleepable(ProbeContext& context) {
  const Canary canary;
  Hook hook = {
      .type = BPF_PROG_TYPE_LSM, .attach_type = BPF_LSM_MAC, .function = "bpf_lsm_syslog", .flags = BPF_F_SLEEPABLE};
  Outcome outcome = run_on_hook(context, hook, Code().mark(canary.map()).exit(0), canary, ask_log_size);
  if (outcome.worked || outcome.error != EINVAL) return outcome;
  hook.function = "bpf_lsm_bprm_committed_creds";
  if (!attach(context, hook, Code().exit(0)).link) return outcome;
  return Outcome::yes("at few hooks");
}

// Fired by binding a socket; 1 lets it pass.
Outcome probe_lsm_cgroup(ProbeContext& context) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const uint32_t id = context.btf_id("bpf_lsm_socket_bind");
  if (id == 0) return context.no_type("bpf_lsm_socket_bind");
  const Fd root = context.cgroup_root();
  if (!root) return Outcome::no(errno, "opening the root of cgroup2");
  const Loaded program = load(BPF_PROG_TYPE_LSM, Code().mark(canary.map()).exit(1), attach_options(BPF_LSM_CGROUP, id));
  if (!program) {
    Outcome failure = program.failure;
    failure.trampoline = true;
    return failure;
  }
  const Fd link(bpf_link_create(program.fd.get(), root.get(), BPF_LSM_CGROUP, nullptr));
  if (!link) {
    Outcome failure = Outcome::no(errno, "attaching to the root control group");
    failure.trampoline = true;
    return failure;
  }
  return canary.ran_after([] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    [[maybe_unused]] const int bound = bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any));
  });
}

}  // namespace trigon::bpf
