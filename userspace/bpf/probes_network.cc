// Control groups, traffic control, XDP. Programs for control groups hang on cgroup2's root for an instant and let
// everything pass; those for interfaces on the loopback of a network namespace that exists for the probe alone.
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "bpf/probes_table.h"

namespace trigon::bpf {
namespace {

constexpr int kLoopback = 1;     // its interface number in every network namespace
constexpr int kDiscardPort = 9;  // nobody listens; the packet is made all the same
constexpr int kAllow = 1;        // from a control group's program
// linux/bpf.h has it since 6.6, older headers build too.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);

Fd udp_socket() { return Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

sockaddr_in discard_address() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDiscardPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void connect_udp() {
  const Fd socket = udp_socket();
  const sockaddr_in to = discard_address();
  [[maybe_unused]] const int result = connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
}

void send_packet() {
  const Fd socket = udp_socket();
  const sockaddr_in to = discard_address();
  [[maybe_unused]] const ssize_t sent =
      sendto(socket.get(), "x", 1, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
}

void open_and_read(const char* path) {
  const Fd file(open(path, O_RDONLY | O_CLOEXEC));
  char byte = 0;
  [[maybe_unused]] const ssize_t n = read(file.get(), &byte, 1);
}

template <typename Fire>
Outcome run_on_cgroup(ProbeContext& context, bpf_prog_type type, bpf_attach_type attach_type, Fire fire) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Fd root = context.cgroup_root();
  if (!root) return Outcome::no(errno, "opening the root of cgroup2");
  const Loaded program = load(type, Code().mark(canary.map()).exit(kAllow), attach_options(attach_type, 0));
  if (!program) return program.failure;
  const Fd link(bpf_link_create(program.fd.get(), root.get(), attach_type, nullptr));
  if (!link) return Outcome::no(errno, "attaching to the root control group");
  return canary.ran_after(fire);
}

// Calls probe() in a network namespace of its own whose loopback is up.
template <typename Probe>
Outcome in_network_namespace(Probe probe) {
  Outcome outcome;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      outcome = Outcome::no(errno, "making a network namespace");
      return;
    }
    ifreq request = {};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (ioctl(udp_socket().get(), SIOCSIFFLAGS, &request) != 0) {
      outcome = Outcome::no(errno, "bringing up the loopback of a network namespace");
      return;
    }
    outcome = probe();
  }).join();
  return outcome;
}

// A link of a program at the loopback.
Outcome run_on_interface(bpf_prog_type type, bpf_attach_type attach_type, int verdict, uint32_t flags) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(type, Code().mark(canary.map()).exit(verdict), attach_options(attach_type, 0));
  if (!program) return program.failure;
  return in_network_namespace([&] {
    bpf_link_create_opts options = {};
    options.sz = sizeof(options);
    options.flags = flags;
    const Fd link(bpf_link_create(program.fd.get(), kLoopback, attach_type, &options));
    if (!link) return Outcome::no(errno, "attaching to an interface");
    return canary.ran_after(send_packet);
  });
}

}  // namespace

Outcome probe_cgroup_connect(ProbeContext& context) {
  return run_on_cgroup(context, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, connect_udp);
}

Outcome probe_cgroup_sysctl(ProbeContext& context) {
  return run_on_cgroup(context, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL,
                       [] { open_and_read("/proc/sys/kernel/ostype"); });
}

Outcome probe_cgroup_device(ProbeContext& context) {
  return run_on_cgroup(context, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, [] { open_and_read("/dev/null"); });
}

Outcome probe_tc(ProbeContext&) {
  const Canary canary;
  if (!canary.valid()) return canary.failure();
  const Loaded program = load(BPF_PROG_TYPE_SCHED_CLS, Code().mark(canary.map()).exit(0));
  if (!program) return program.failure;
  // libbpf says on stderr what the kernel's answer already says.
  const libbpf_print_fn_t print = libbpf_set_print(nullptr);
  Outcome outcome = in_network_namespace([&] {
    bpf_tc_hook hook = {};
    hook.sz = sizeof(hook);
    hook.ifindex = kLoopback;
    hook.attach_point = BPF_TC_INGRESS;
    if (const int error = bpf_tc_hook_create(&hook); error != 0) return Outcome::no(-error, "creating a clsact queue");
    bpf_tc_opts options = {};
    options.sz = sizeof(options);
    options.prog_fd = program.fd.get();
    if (const int error = bpf_tc_attach(&hook, &options); error != 0) {
      return Outcome::no(-error, "attaching to a clsact queue");
    }
    return canary.ran_after(send_packet);
  });
  libbpf_set_print(print);
  return outcome;
}

Outcome probe_tcx(ProbeContext&) { return run_on_interface(BPF_PROG_TYPE_SCHED_CLS, kTcxIngress, 0, 0); }

// In the generic mode, which every interface has.
Outcome probe_xdp(ProbeContext&) { return run_on_interface(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS, XDP_FLAGS_SKB_MODE); }

}  // namespace trigon::bpf
