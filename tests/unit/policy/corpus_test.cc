// Policies like those that users of the TracingPolicy language have: every construct of its examples, in policies of
// our own. All of them must be valid, with a kernel and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <span>

#include "fake_kernel.h"
#include "policy/compile.h"
#include "policy/load.h"

namespace trigon::policy {
namespace {

using testing::ElementsAre;

const FakeKernel& kernel() {
  static const FakeKernel kKernel = [] {
    FakeKernel kernel({
        "int bpf_check(struct bpf_prog **,union bpf_attr *,bpfptr_t,unsigned int)",
        "int security_perf_event_alloc(struct perf_event *)",
        "int security_bpf_map_create(struct bpf_map *,union bpf_attr *,struct bpf_token *)",
        "int __cgroup_bpf_run_filter_skb(struct sock *,struct sk_buff *,enum cgroup_bpf_attach_type)",
        "struct sock *sk_alloc(struct net *,int,unsigned int,struct proto *,int)",
        "void __sk_free(struct sock *)",
        "int sk_filter_trim_cap(struct sock *,struct sk_buff *,unsigned int)",
        "int ip_output(struct net *,struct sock *,struct sk_buff *)",
        "struct sk_buff *dev_hard_start_xmit(struct sk_buff *,struct net_device *,struct netdev_queue *,int *)",
        "int __dev_queue_xmit(struct sk_buff *,struct net_device *)",
        "void fd_install(unsigned int,struct file *)",
        "int security_file_permission(struct file *,int)",
        "int security_mmap_file(struct file *,unsigned long,unsigned long)",
        "int security_path_truncate(struct path *)",
        "int commit_creds(struct cred *)",
        "long ksys_read(unsigned int,char *,size_t)",
        "long ksys_write(unsigned int,const char *,size_t)",
        "int bpf_lsm_bprm_check_security(struct linux_binprm *)",
        "int bpf_lsm_file_open(struct file *)",
        "int bpf_lsm_capset(struct cred *,struct cred *,const kernel_cap_t *,const kernel_cap_t *,const kernel_cap_t "
        "*)",
        "int security_capset(struct cred *,struct cred *,kernel_cap_t *,kernel_cap_t *,kernel_cap_t *)",
        "int security_kernel_module_request(char *)",
        "int security_kernel_read_file(struct file *,enum kernel_read_file_id,_Bool)",
        "int security_kernel_load_data(enum kernel_load_data_id,_Bool)",
        "int security_inode_mkdir(struct inode *,struct dentry *,unsigned short)",
        "int security_socket_connect(struct socket *,struct sockaddr *,int)",
        "int security_bprm_check(struct linux_binprm *)",
        "int security_inode_follow_link(struct dentry *,struct inode *,_Bool)",
        "void kfree_skb_reason(struct sk_buff *,enum skb_drop_reason)",
        "void tcp_set_state(struct sock *,int)",
        "void tcp_close(struct sock *,long)",
        "struct sock *tcp_create_openreq_child(const struct sock *,struct request_sock *,struct sk_buff *)",
        "int tcp_connect(struct sock *)",
        "int tcp_sendmsg(struct sock *,struct msghdr *,size_t)",
        "int inet_csk_listen_start(struct sock *)",
        "long tty_write(struct kiocb *,struct iov_iter *)",
        "long old_tty_write(struct file *,const char *,size_t,long *)",
        "int create_user_ns(struct cred *)",
        "int cap_capable(const struct cred *,struct user_namespace *,int,unsigned int)",
        "struct cred *override_creds(const struct cred *)",
        "int security_bprm_creds_from_file(struct linux_binprm *,const struct file *)",
        "int security_inode_copy_up_xattr(const char *)",
        "int do_init_module(struct module *)",
        "int find_module_sections(struct module *,struct load_info *)",
        "void set_fs_pwd(struct fs_struct *,const struct path *)",
        "int force_sig_fault(int,int,void *)",
        "int unix_stream_connect(struct socket *,struct sockaddr *,int,int)",
        "void trace_sched_process_exec(struct task_struct *,int,struct linux_binprm *)",
    });
    kernel.paths["linux_binprm.mm.owner.real_parent.real_parent.comm"] = {.offsets = {24, 1144, 2448, 2448, 2976},
                                                                          .type = kernel_type("char [16]")};
    kernel.paths["task_struct.cred.euid.val"] = {.offsets = {2960, 24}, .type = kernel_type("unsigned int")};
    kernel.records["sched/sched_process_exec"] = {
        {.type = "unsigned short", .name = "common_type", .offset = 0, .size = 2},
        {.type = "unsigned char", .name = "common_flags", .offset = 2, .size = 1},
        {.type = "unsigned char", .name = "common_preempt_count", .offset = 3, .size = 1},
        {.type = "int", .name = "common_pid", .offset = 4, .size = 4, .is_signed = true},
        {.type = "__data_loc char[]", .name = "filename", .offset = 8, .size = 4, .data_loc = true},
        {.type = "pid_t", .name = "pid", .offset = 12, .size = 4, .is_signed = true},
    };
    return kernel;
  }();
  return kKernel;
}

struct Example {
  const char* name;
  const char* spec;
};

constexpr Example kExamples[] = {
    {"bpf", R"(
  kprobes:
  - {call: bpf_check, syscall: false, args: [{index: 1, type: bpf_attr}]}
  - {call: security_perf_event_alloc, syscall: false, args: [{index: 0, type: perf_event}]}
  - {call: security_bpf_map_alloc, syscall: false, ignore: {callNotFound: true}, args: [{index: 0, type: bpf_map}]}
  - {call: security_bpf_map_create, syscall: false, ignore: {callNotFound: true}, args: [{index: 0, type: bpf_map}]})"},
    {"datagrams", R"(
  kprobes:
  - call: __cgroup_bpf_run_filter_skb
    syscall: false
    args: [{index: 0, type: sock}, {index: 1, type: skb}, {index: 2, type: int}]
    selectors:
    - matchArgs:
      - {index: 1, operator: DAddr, values: [127.0.0.1/8]}
      - {index: 1, operator: Protocol, values: [IPPROTO_UDP]}
      matchActions: [{action: Post, rateLimit: 5}])"},
    {"sock-tracking", R"(
  kprobes:
  - call: sk_alloc
    syscall: false
    return: true
    args: [{index: 1, type: int, label: family}]
    returnArg: {type: sock}
    returnArgAction: TrackSock
    selectors:
    - matchArgs: [{index: 1, operator: Equal, values: [2, 10]}]
  - call: __sk_free
    syscall: false
    args: [{index: 0, type: sock}]
    selectors:
    - matchArgs: [{index: 0, operator: Family, values: [2, 10]}]
    - matchActions: [{action: UntrackSock}]
  - call: sk_filter_trim_cap
    syscall: false
    args: [{index: 0, type: sock}, {index: 1, type: skb, label: datagram}]
    selectors:
    - matchArgs:
      - {index: 1, operator: Protocol, values: [IPPROTO_UDP]}
      - {index: 1, operator: DAddr, values: [127.0.0.1/32, "::1/128"]})"},
    {"transmit-device", R"(
  kprobes:
  - call: dev_hard_start_xmit
    syscall: false
    args: [{index: 1, type: net_device}]
    selectors: [{matchArgs: [{index: 1, operator: Equal, values: [lo]}]}])"},
    {"transmit", R"(
  kprobes:
  - {call: __dev_queue_xmit, syscall: false, args: [{index: 0, type: skb}]})"},
    {"dns-servers", R"(
  kprobes:
  - call: ip_output
    syscall: false
    args: [{index: 2, type: skb}]
    selectors:
    - matchArgs:
      - {index: 2, operator: Protocol, values: [IPPROTO_TCP, IPPROTO_UDP]}
      - {index: 2, operator: DPort, values: [53]}
      - {index: 2, operator: NotDAddr, values: [127.0.0.53]}
      matchActions: [{action: Sigkill}])"},
    {"capability-changes", R"(
  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchPIDs: [{operator: In, followForks: true, isNamespacePID: false, values: [4711]}]
      matchCapabilityChanges: [{type: Effective, operator: In, isNamespaceCapability: false, values: [CAP_SETUID]}]
      matchArgs: [{index: 1, operator: Postfix, values: [strange.txt]}])"},
    {"capabilities", R"(
  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchCapabilities: [{type: Permitted, operator: In, isNamespaceCapability: true, values: [CAP_SYS_ADMIN]}])"},
    {"namespaces", R"(
  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchNamespaces:
      - {namespace: Mnt, operator: In, values: ["4026531840", "4026532288"]}
      - {namespace: Pid, operator: In, values: [host_ns]}
      matchNamespaceChanges: [{operator: In, values: [Mnt]}])"},
    {"files", R"(
  kprobes:
  - call: security_file_permission
    syscall: false
    return: true
    args: [{index: 0, type: file}, {index: 1, type: int}]
    returnArg: {index: 0, type: int}
    returnArgAction: Post
    selectors:
    - matchArgs:
      - {index: 0, operator: Prefix, values: [/etc, /boot]}
      - {index: 1, operator: Equal, values: ["2", "4"]}
  - call: security_mmap_file
    syscall: false
    return: true
    args: [{index: 0, type: file}, {index: 1, type: uint32}, {index: 2, type: nop}]
    returnArg: {index: 0, type: int}
    selectors:
    - matchArgs:
      - {index: 0, operator: Equal, values: [/etc/passwd]}
      - {index: 1, operator: Mask, values: ["2"]}
  - call: security_path_truncate
    syscall: false
    return: true
    args: [{index: 0, type: path}]
    returnArg: {index: 0, type: int}
    selectors: [{matchArgs: [{index: 0, operator: Equal, values: [/etc/passwd]}]}])"},
    {"hard-links", R"(
  kprobes:
  - call: sys_linkat
    syscall: true
    args:
    - {index: 0, type: int}
    - {index: 1, type: string}
    - {index: 2, type: int}
    - {index: 3, type: string}
    - {index: 4, type: int}
    selectors:
    - matchArgs: [{index: 1, operator: Equal, values: [/etc/passwd]}]
      matchActions: [{action: Override, argError: -1}])"},
    {"enforcer", R"(
  lists:
  - {name: dups, type: syscalls, values: [sys_dup, sys_dup2, __ia32_sys_dup]}
  enforcers:
  - calls: ["list:dups"]
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    args: [{index: 4, type: syscall64}]
    selectors:
    - matchArgs: [{index: 0, operator: InMap, values: ["list:dups"]}]
      matchBinaries: [{operator: In, values: [/usr/bin/bash]}]
      matchActions: [{action: NotifyEnforcer, argError: -1, argSig: 9}])"},
    {"credentials", R"(
  kprobes:
  - {call: commit_creds, syscall: false, args: [{index: 0, type: cred}]})"},
    {"generated-functions", R"(
  lists:
  - {name: ksys, type: generated_ftrace, pattern: "ksys_"}
  kprobes:
  - call: "list:ksys"
    selectors: [{matchBinaries: [{operator: In, values: [/usr/bin/kubectl]}]}])"},
    {"generated-syscalls", R"(
  lists:
  - {name: all-syscalls, type: generated_syscalls}
  kprobes:
  - call: "list:all-syscalls"
    selectors: [{matchBinaries: [{operator: In, values: [/usr/bin/kubectl]}]}])"},
    {"listed-numbers", R"(
  lists:
  - {name: dups, type: syscalls, values: [sys_dup, sys_dup2]}
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    args: [{index: 4, type: uint64}]
    selectors: [{matchArgs: [{index: 4, operator: InMap, values: ["list:dups"]}]}])"},
    {"listed-syscalls", R"(
  lists:
  - {name: syscalls, type: syscalls, values: [sys_dup, sys_dup2]}
  kprobes:
  - {call: "list:syscalls"})"},
    {"loader", R"(
  loader: true)"},
    {"lsm-exec", R"(
  lsmhooks:
  - hook: bprm_check_security
    args: [{index: 0, type: linux_binprm}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/zsh, /usr/bin/bash]}]
      matchArgs: [{index: 0, operator: Postfix, values: [tests/nop]}]
      matchActions: [{action: Override, argError: -1}, {action: Post, imaHash: true}])"},
    {"lsm-open", R"(
  lsmhooks:
  - hook: file_open
    args: [{index: 0, type: file}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/cat]}]
      matchArgs: [{index: 0, operator: Equal, values: [/etc/passwd, /etc/shadow]}])"},
    {"lsm-grandparent", R"(
  lsmhooks:
  - hook: bprm_check_security
    args: [{index: 0, type: string, resolve: mm.owner.real_parent.real_parent.comm}]
    selectors: [{matchActions: [{action: Post}]}])"},
    {"lsm-capset", R"(
  lsmhooks:
  - hook: capset
    args: [{index: 2, type: kernel_cap_t}]
    selectors:
    - matchArgs: [{operator: Capability, index: 2, values: [CAP_SYS_ADMIN]}]
      matchActions: [{action: Override, argError: -1}])"},
    {"modules-from-pods", R"(
  podSelector: {matchLabels: {}}
  kprobes:
  - call: security_kernel_module_request
    message: a module is loaded on demand
    syscall: false
    return: true
    args: [{index: 0, type: string}]
    returnArg: {index: 0, type: int}
    selectors:
    - matchNamespaces: [{namespace: Pid, operator: NotIn, values: [host_ns]}]
      matchActions: [{action: Override, argError: -1}, {action: Sigkill}]
  - call: security_kernel_read_file
    syscall: false
    return: true
    args: [{index: 0, type: file}, {index: 1, type: int}]
    returnArg: {index: 0, type: int}
    selectors: [{matchArgs: [{index: 1, operator: Equal, values: ["2"]}]}]
  - call: security_kernel_load_data
    syscall: false
    return: true
    args: [{index: 0, type: int}]
    returnArg: {index: 0, type: int})"},
    {"canaries", R"(
  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchArgs: [{index: 1, operator: Equal, values: [/etc/canary]}]
      matchActions:
      - {action: GetUrl, argUrl: "http://canary.example/x"}
      - {action: DnsLookup, argFqdn: canary.example})"},
    {"open-for-writing", R"(
  kprobes:
  - call: sys_openat
    return: true
    syscall: true
    args: [{index: 0, type: int}, {index: 1, type: string}, {index: 2, type: int}]
    returnArg: {type: int}
    selectors:
    - matchArgs:
      - {index: 1, operator: Equal, values: ["/etc/passwd\0"]}
      - {index: 2, operator: Mask, values: [0x40, 0x1, 0x2]}
      matchReturnArgs: [{index: 0, operator: GT, values: [0]}])"},
    {"no-directories", R"(
  kprobes:
  - call: security_inode_mkdir
    syscall: false
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/bash]}]
    - matchActions: [{action: Override, argError: -1}])"},
    {"raw-syscalls", R"(
  tracepoints:
  - {subsystem: raw_syscalls, event: sys_enter, args: [{index: 4, type: syscall64}]})"},
    {"raw-tracepoint", R"(
  tracepoints:
  - {subsystem: sched, event: sched_process_exec, raw: true, args: [{index: 2, type: linux_binprm}]})"},
    {"connect-one-only", R"(
  kprobes:
  - call: security_socket_connect
    syscall: false
    args: [{index: 0, type: socket}, {index: 1, type: sockaddr}, {index: 2, type: int}]
    selectors:
    - matchArgs:
      - {index: 0, operator: Protocol, values: [IPPROTO_TCP]}
      - {index: 1, operator: Family, values: [AF_INET, AF_INET6]}
      - {index: 1, operator: SAddr, values: [192.168.1.1]}
      - {index: 1, operator: SPort, values: [80]}
      matchBinaries: [{operator: In, values: [/usr/bin/curl]}]
      matchActions: [{action: Post}]
    - matchArgs: [{index: 0, operator: Protocol, values: [IPPROTO_TCP]}]
      matchActions: [{action: Override, argError: 1}])"},
    {"connect", R"(
  kprobes:
  - call: security_socket_connect
    syscall: false
    args: [{index: 1, type: sockaddr}, {index: 2, type: int}]
    selectors: [{matchArgs: [{index: 1, operator: Family, values: [AF_INET]}]}])"},
    {"connect-to-a-path", R"(
  kprobes:
  - call: unix_stream_connect
    syscall: false
    args: [{index: 1, type: sockaddr_un}]
    selectors: [{matchArgs: [{index: 1, operator: Prefix, values: [/run/docker, "@abstract"]}]}])"},
    {"bprm-check", R"(
  kprobes:
  - call: security_bprm_check
    syscall: false
    args: [{index: 0, type: linux_binprm}]
    selectors: [{matchArgs: [{index: 0, operator: Equal, values: [/usr/bin/ls]}]}])"},
    {"follow-link", R"(
  kprobes:
  - {call: security_inode_follow_link, syscall: false, args: [{index: 0, type: dentry}]})"},
    {"stacks", R"(
  kprobes:
  - call: kfree_skb_reason
    syscall: false
    args: [{index: 0, type: skb}, {index: 1, type: int, label: reason}]
    selectors: [{matchActions: [{action: Post, kernelStackTrace: true, userStackTrace: true}]}])"},
    {"symbolic-links", R"(
  kprobes:
  - call: sys_symlinkat
    syscall: true
    args: [{index: 0, type: string}, {index: 1, type: int}, {index: 2, type: string}]
    selectors:
    - matchArgs: [{index: 0, operator: Equal, values: [/etc/passwd]}]
      matchActions: [{action: Override, argError: -1}])"},
    {"clock", R"(
  kprobes:
  - call: sys_clock_settime
    syscall: true
    args: [{index: 0, type: int}]
    selectors:
    - matchPIDs:
      - {operator: NotIn, followForks: true, isNamespacePID: true, values: [0]}
      - {operator: NotIn, followForks: true, isNamespacePID: true, values: [1]})"},
    {"mount", R"(
  kprobes:
  - {call: sys_mount, syscall: true, args: [{index: 0, type: string}, {index: 1, type: string}]})"},
    {"pivot-root", R"(
  kprobes:
  - {call: sys_pivot_root, syscall: true, args: [{index: 0, type: string}, {index: 1, type: string}]})"},
    {"tcp-accept", R"(
  kprobes:
  - call: tcp_set_state
    syscall: false
    args: [{index: 0, type: sock}, {index: 1, type: int, label: state}]
    selectors:
    - matchArgs:
      - {index: 0, operator: state, values: [TCP_SYN_RECV]}
      - {index: 1, operator: Equal, values: [1]}
  - call: tcp_create_openreq_child
    syscall: false
    return: true
    args: [{index: 0, type: sock}]
    returnArg: {type: sock}
    returnArgAction: TrackSock)"},
    {"tcp-local-only", R"(
  kprobes:
  - call: tcp_connect
    syscall: false
    args: [{index: 0, type: sock}]
    selectors:
    - matchArgs: [{index: 0, operator: NotDAddr, values: [127.0.0.0/8, 192.168.0.0/16, "fd00::/8"]}]
      matchBinaries: [{operator: In, values: [/usr/bin/curl]}]
      matchActions: [{action: Sigkill}])"},
    {"tcp-sendmsg", R"(
  kprobes:
  - {call: tcp_close, syscall: false, args: [{index: 0, type: sock}]}
  - {call: tcp_sendmsg, syscall: false, args: [{index: 0, type: sock}, {index: 2, type: int}]})"},
    {"tcp-listen", R"(
  kprobes:
  - call: __sk_free
    syscall: false
    args: [{index: 0, type: sock}]
    selectors:
    - matchArgs: [{index: 0, operator: Family, values: [AF_INET]}]
      matchActions: [{action: UntrackSock, argSock: 0}, {action: NoPost}]
  - call: inet_csk_listen_start
    syscall: false
    args: [{index: 0, type: sock}]
    selectors: [{matchArgs: [{index: 0, operator: SPort, values: ["1024:65535"]}]}])"},
    {"terminal", R"(
  kprobes:
  - {call: tty_write, syscall: false, args: [{index: 0, type: kiocb}, {index: 1, type: iov_iter, maxData: true}]}
  - call: old_tty_write
    syscall: false
    args: [{index: 0, type: file}, {index: 1, type: char_buf, sizeArgIndex: 3}, {index: 2, type: size_t}])"},
    {"uprobe", R"(
  uprobes:
  - {path: /bin/bash, symbols: [readline, main, "_start+0x10"]})"},
    {"uprobe-selected", R"(
  uprobes:
  - path: /lib64/libc.so.6
    symbols: [malloc]
    args: [{index: 0, type: size_t}]
    return: true
    returnArg: {index: 0, type: uint64}
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/bash]}]
      matchPIDs: [{operator: In, followForks: true, values: [4711]}]
      matchArgs: [{index: 0, operator: GT, values: [1000000]}])"},
    {"uprobe-places", R"(
  uprobes:
  - {path: /bin/bash, offsets: [0x1000, 8192], refCtrOffsets: [16, 24]}
  - path: /bin/bash
    addrs: [0x401000]
    binaryDigests: ["build-id:0123AB", "sha1:0123456789abcdef0123456789abcdef01234567"]
    ignore: {digestVerificationFailure: true})"},
    {"usdt", R"(
  usdts:
  - {path: /opt/app, provider: test, name: usdt3, args: [{index: 0, type: int32}, {index: 1, type: int64}]})"},
    {"usdt-set", R"(
  usdts:
  - path: /opt/app
    provider: app
    name: decision
    args: [{index: 0, type: int32}, {index: 1, type: int32}, {index: 2, type: int32}]
    selectors: [{matchActions: [{action: Set, argIndex: 0, argValue: 32}]}])"},
    {"write", R"(
  kprobes:
  - call: sys_write
    syscall: true
    args: [{index: 0, type: int}, {index: 1, type: char_buf, sizeArgIndex: 3}, {index: 2, type: size_t}]
    selectors:
    - matchPIDs: [{operator: NotIn, followForks: true, isNamespacePID: true, values: [0, 1]}]
      matchArgs: [{index: 0, operator: Equal, values: ["1"]}])"},
    {"follow-descriptors", R"(
  kprobes:
  - call: fd_install
    syscall: false
    return: false
    args: [{index: 0, type: int}, {index: 1, type: file}]
    selectors:
    - matchArgs: [{index: 1, operator: Prefix, values: [/etc/]}]
      matchActions: [{action: FollowFD, argFd: 0, argName: 1}]
  - call: sys_close
    syscall: true
    args: [{index: 0, type: int}]
    selectors: [{matchActions: [{action: UnfollowFD, argFd: 0, argName: 0}]}]
  - call: sys_read
    syscall: true
    args: [{index: 0, type: fd}, {index: 1, type: char_buf, returnCopy: true}, {index: 2, type: size_t}])"},
    {"no-user-namespaces", R"(
  kprobes:
  - call: create_user_ns
    syscall: false
    args: [{index: 0, type: nop}]
    selectors:
    - matchNamespaces: [{namespace: Pid, operator: NotIn, values: [host_ns]}]
      matchCapabilities:
      - {type: Effective, operator: NotIn, isNamespaceCapability: false, values: [CAP_SYS_ADMIN]}
      matchActions: [{action: Sigkill, argError: -1}])"},
    {"capability-use", R"(
  kprobes:
  - call: cap_capable
    syscall: false
    return: true
    args: [{index: 1, type: user_namespace}, {index: 2, type: capability}]
    returnArg: {index: 0, type: int}
    selectors:
    - matchNamespaces: [{namespace: Pid, operator: NotIn, values: [host_ns]}]
      matchArgs: [{index: 2, operator: Equal, values: [CAP_SYS_ADMIN, "12"]}]
      matchActions: [{action: Post, rateLimit: 1m}])"},
    {"credential-changes", R"(
  kprobes:
  - call: override_creds
    syscall: false
    args: [{index: 0, type: cred}]
    selectors: [{matchActions: [{action: Post, rateLimit: "1m", rateLimitScope: process}]}]
  - call: sys_setreuid
    args: [{index: 0, type: int}, {index: 1, type: int}]
    selectors: [{matchNamespaces: [{namespace: Pid, operator: NotIn, values: [host_ns]}]}])"},
    {"elf-begin", R"(
  kprobes:
  - {call: security_bprm_creds_from_file, syscall: false, args: [{index: 0, type: nop}, {index: 1, type: file}]})"},
    {"overlay-xattr", R"(
  kprobes:
  - call: security_inode_copy_up_xattr
    syscall: false
    return: true
    args: [{index: 0, type: string}]
    returnArg: {index: 0, type: int}
    selectors:
    - matchNamespaces: [{namespace: User, operator: NotIn, values: [host_ns]}]
      matchArgs: [{index: 0, operator: Equal, values: [security.capability]}]
      matchActions: [{action: Override, argError: -1}])"},
    {"library", R"(
  kprobes:
  - call: security_mmap_file
    syscall: false
    return: true
    message: a library is mapped
    args: [{index: 0, type: file}, {index: 1, type: uint32}, {index: 2, type: nop}]
    returnArg: {index: 0, type: int}
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/sbin/sshd]}]
      matchArgs: [{index: 0, operator: Postfix, values: [liblzma.so.5.6.0, liblzma.so.5.6.1]}]
      matchActions: [{action: Post, rateLimit: "1m"}])"},
    {"modules", R"(
  kprobes:
  - {call: do_init_module, syscall: false, args: [{index: 0, type: module}]}
  - {call: find_module_sections, syscall: false, args: [{index: 0, type: nop}, {index: 1, type: load_info}]})"},
    {"working-directory", R"(
  kprobes:
  - call: set_fs_pwd
    syscall: false
    args: [{index: 1, type: path}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/runc]}]
      matchArgs: [{index: 1, operator: Prefix, values: [/sys/fs/cgroup]}]
      matchActions: [{action: Sigkill}])"},
    {"faults", R"(
  kprobes:
  - call: force_sig_fault
    syscall: false
    args: [{index: 0, type: int}]
    selectors: [{matchArgs: [{index: 0, operator: Equal, values: ["11"]}]}])"},
    {"who-connects", R"(
  kprobes:
  - call: security_socket_connect
    syscall: false
    args: [{index: 1, type: sockaddr}]
    data: [{index: 0, source: current_task, type: uint32, resolve: cred.euid.val, label: euid}]
    selectors:
    - matchArgs: [{index: 1, operator: SPort, values: ["54321"]}]
      matchData: [{index: 0, operator: NotEqual, values: ["0"]}]
      matchActions: [{action: Post}, {action: NotifyEnforcer, argError: -1}]
  enforcers:
  - calls: [security_socket_connect])"},
    {"fentries", R"(
  fentries:
  - call: tcp_connect
    syscall: false
    return: true
    args: [{index: 0, type: sock}]
    returnArg: {index: 0, type: int}
  - {call: tcp_close, syscall: false, args: [{index: 0, type: sock}]})"},
    {"capabilities-gained", R"(
  kprobes:
  - call: security_capset
    syscall: false
    args: [{index: 2, type: cap_effective}, {index: 3, type: cap_inheritable}]
    selectors: [{matchArgs: [{args: [0, 1], operator: CapabilitiesGained, values: [CAP_SYS_ADMIN]}]}])"},
    {"classic-tracepoint", R"(
  tracepoints:
  - subsystem: sched
    event: sched_process_exec
    args: [{index: 4}, {index: 5, type: int}]
    selectors: [{matchArgs: [{index: 5, operator: GT, values: [100]}]}])"},
    {"current-credentials", R"(
  kprobes:
  - call: sys_unshare
    selectors:
    - matchCurrentCred:
      - uid: [{operator: Equal, values: ["1000:1999"]}]
        euid: [{operator: NotEqual, values: ["0"]}])"},
    {"macros", R"(
  selectorsMacros:
    shells: {matchBinaries: [{operator: In, values: [/bin/sh, /bin/bash], followChildren: true}]}
  kprobes:
  - call: sys_ptrace
    args: [{index: 0, type: int}]
    selectors:
    - macros: [shells]
      matchArgs: [{index: 0, operator: Equal, values: [16]}]
      label: attach)"},
    {"several-kinds", R"(
  options:
  - {name: disable-kprobe-multi, value: "1"}
  - {name: override-method, value: fmod-ret}
  kprobes:
  - {call: tcp_connect, syscall: false, args: [{index: 0, type: sock}]}
  lsmhooks:
  - {hook: file_open, args: [{index: 0, type: file}]}
  uprobes:
  - {path: /bin/bash, symbols: [readline]})"},
};

std::string text_of(const Example& example) {
  return std::string("apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata:\n  name: ") + example.name +
         "\nspec:" + example.spec + "\n";
}

TEST(Corpus, IsValidWithAKernel) {
  static_assert(std::size(kExamples) >= 60);
  for (const Example& example : kExamples) {
    const Loaded loaded = load_text(example.name, text_of(example), {Arch::kX86_64, &kernel()});
    EXPECT_EQ(format(loaded.diagnostics), "") << example.name;
    ASSERT_EQ(loaded.policies.size(), 1u) << example.name;
    for (const Hook& hook : loaded.policies[0].hooks) {
      EXPECT_FALSE(hook.unresolved) << example.name;
      EXPECT_FALSE(hook.selectors.empty()) << example.name;
      for (const Arg& arg : hook.args) EXPECT_FALSE(arg.unresolved) << example.name;
      for (const Arg& arg : hook.data) EXPECT_FALSE(arg.unresolved) << example.name;
    }
  }
}

TEST(Corpus, IsValidWithoutAKernel) {
  for (const Example& example : kExamples) {
    const Loaded loaded = load_text(example.name, text_of(example), {Arch::kX86_64});
    EXPECT_EQ(format(loaded.diagnostics), "") << example.name;
  }
}

const Policy& policy_of(const std::string& name) {
  static std::map<std::string, Policy> policies;
  const auto [slot, added] = policies.try_emplace(name);
  if (!added) return slot->second;
  for (const Example& example : kExamples) {
    if (name != example.name) continue;
    Loaded loaded = load_text(example.name, text_of(example), {Arch::kX86_64, &kernel()});
    if (loaded.policies.size() != 1) break;
    slot->second = std::move(loaded.policies[0]);
    return slot->second;
  }
  ADD_FAILURE() << "no valid example " << name;
  std::abort();  // the tests would read what is not there
}

TEST(Corpus, BecomesTables) {
  for (const Example& example : kExamples) {
    const Policy& policy = policy_of(example.name);
    const auto set = compile(std::span(&policy, 1), 1, CompileState());
    EXPECT_TRUE(set.ok()) << example.name << ": " << (set.ok() ? "" : set.error().message());
  }
}

// The policies that come with the agent, alone and all together, with a kernel and without one.
TEST(Library, IsValidAndFitsTogether) {
  FakeKernel kernel({
      "int bpf_lsm_file_open(struct file *)",
      "int bpf_lsm_kernel_read_file(struct file *,enum kernel_read_file_id,_Bool)",
      "int bpf_lsm_kernel_load_data(enum kernel_load_data_id,_Bool)",
      "int bpf_lsm_ptrace_access_check(struct task_struct *,unsigned int)",
  });
  kernel.paths["task_struct.comm"] = {.offsets = {2976}, .type = kernel_type("char [16]")};
  kernel.paths["task_struct.tgid"] = {.offsets = {2468}, .type = kernel_type("int")};
  const std::string folder = std::string(TRIGON_SOURCE_DIR) + "/policies";
  const std::vector<std::string> paths{folder, folder + "/lsm"};
  for (const KernelInfo* known : {static_cast<const KernelInfo*>(nullptr), static_cast<const KernelInfo*>(&kernel)}) {
    Options options;
    options.arch = Arch::kX86_64;
    options.kernel = known;
    const Loaded loaded = load_paths(paths, options);
    EXPECT_TRUE(loaded.ok()) << format(loaded.diagnostics);
    EXPECT_GE(loaded.policies.size(), 9u) << "an empty folder proves nothing";
    const auto set = compile(loaded.policies, 1, {});
    EXPECT_TRUE(set.ok()) << set.error().message();
    for (const Policy& policy : loaded.policies)
      for (const Hook& hook : policy.hooks) EXPECT_FALSE(hook.message.empty()) << policy.name << ": " << hook.function;
  }
}

TEST(Corpus, CallsThatMayBeAbsentAreLeftOut) {
  const Policy& p = policy_of("bpf");
  ASSERT_EQ(p.hooks.size(), 3u);
  EXPECT_EQ(p.hooks[2].function, "security_bpf_map_create");
  EXPECT_EQ(p.hooks[2].spec_index, 3u);
}

TEST(Corpus, SocketsAreMatchedByTheirParts) {
  const Selector& s = policy_of("dns-servers").hooks[0].selectors[0];
  ASSERT_EQ(s.args.size(), 3u);
  EXPECT_EQ(s.args[0].predicate.part, TRIGON_PART_PROTOCOL);
  EXPECT_THAT(s.args[0].predicate.numbers, ElementsAre(6, 17));
  EXPECT_EQ(s.args[1].predicate.part, TRIGON_PART_DPORT);
  EXPECT_EQ(s.args[1].predicate.ranges[0].low, 53u);
  EXPECT_EQ(s.args[1].predicate.ranges[0].high, 53u);
  EXPECT_EQ(s.args[2].predicate.part, TRIGON_PART_DADDR);
  EXPECT_TRUE(s.args[2].predicate.negated);
  EXPECT_EQ(s.args[2].predicate.networks[0].bits, 128);
  EXPECT_EQ(s.args[2].predicate.networks[0].bytes[15], 53);
}

TEST(Corpus, TracksWhatIsReturned) {
  const Policy& p = policy_of("sock-tracking");
  EXPECT_TRUE(p.hooks[0].track_return);
  ASSERT_TRUE(p.hooks[0].return_arg);
  EXPECT_EQ(p.hooks[0].return_arg->conf.type, TRIGON_ARG_SOCK);
  EXPECT_EQ(p.hooks[0].return_arg->conf.source, TRIGON_FROM_RETURN);
  EXPECT_TRUE(p.hooks[0].point.returns);
  ASSERT_EQ(p.hooks[1].selectors.size(), 2u);
  EXPECT_EQ(p.hooks[1].selectors[1].actions.untrack, 0u);
  EXPECT_FALSE(p.hooks[1].point.returns);
}

TEST(Corpus, ListsBecomeNumbersAndHooks) {
  const Policy& p = policy_of("enforcer");
  ASSERT_EQ(p.hooks.size(), 4u);
  const auto& ranges = p.hooks[0].selectors[0].args[0].predicate.ranges;
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_EQ(ranges[0].low, 32u);
  EXPECT_EQ(ranges[2].low, 0x80000000u | 41) << "of 32-bit programs";
  EXPECT_TRUE(p.hooks[0].selectors[0].actions.notify);
  EXPECT_EQ(p.hooks[0].selectors[0].actions.notify_error, -1);
  EXPECT_EQ(p.hooks[0].selectors[0].actions.notify_signal, 9);
  EXPECT_TRUE(p.hooks[3].enforcer);
  EXPECT_EQ(p.hooks[3].target, (Target{Abi::kI386, 41}));
  EXPECT_FALSE(p.hooks[3].selectors[0].actions.post);
  EXPECT_EQ(policy_of("generated-functions").hooks.size(), 2u);
  EXPECT_GT(policy_of("generated-syscalls").hooks.size(), 300u);
}

TEST(Corpus, FollowsMembers) {
  const Arg& arg = policy_of("lsm-grandparent").hooks[0].args[0];
  EXPECT_EQ(arg.conf.type, TRIGON_ARG_STRING);
  EXPECT_EQ(arg.conf.steps, 5);
  EXPECT_EQ(arg.conf.off[4], 2976u);
  EXPECT_FALSE(arg.conf.flags & TRIGON_CONF_LOAD) << "the array itself";
  EXPECT_EQ(arg.conf.max, 16u);
  const Hook& hook = policy_of("who-connects").hooks[0];
  EXPECT_EQ(hook.data[0].conf.source, TRIGON_FROM_TASK);
  EXPECT_EQ(hook.data[0].conf.size, 4);
  EXPECT_TRUE(hook.data[0].conf.flags & TRIGON_CONF_LOAD);
  ASSERT_EQ(hook.selectors[0].args.size(), 2u);
  EXPECT_EQ(hook.selectors[0].args[1].role, Role::kData);
}

TEST(Corpus, PositiveErrnosAreErrnos) {
  EXPECT_EQ(policy_of("connect-one-only").hooks[0].selectors[1].actions.error, -1);
  EXPECT_EQ(policy_of("hard-links").hooks[0].selectors[0].actions.error, -1);
}

TEST(Corpus, ReadsReturnsOfSystemCalls) {
  const Hook& hook = policy_of("open-for-writing").hooks[0];
  EXPECT_EQ(hook.selectors[0].args[0].predicate.strings[0], "/etc/passwd") << "without its NUL";
  EXPECT_EQ(hook.selectors[0].args[1].predicate.mask, 0x43u);
  ASSERT_EQ(hook.selectors[0].return_args.size(), 1u);
  EXPECT_EQ(hook.selectors[0].return_args[0].role, Role::kReturn);
  const Hook& read = policy_of("follow-descriptors").hooks[2];
  EXPECT_TRUE(read.args[1].conf.flags & TRIGON_CONF_AT_RETURN);
  EXPECT_EQ(read.args[1].conf.size_arg, 0) << "the result is the size";
  ASSERT_TRUE(read.return_arg) << "something has to wait for the return";
  EXPECT_EQ(read.return_arg->conf.type, TRIGON_ARG_NONE);
}

TEST(Corpus, HostNamespacesAreNumbers) {
  const auto& tasks = policy_of("namespaces").hooks[0].selectors[0].tasks;
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_THAT(tasks[1].predicate.numbers, ElementsAre(4));
  EXPECT_EQ(tasks[2].source, TRIGON_SRC_NS_CHANGES);
  EXPECT_EQ(tasks[2].predicate.mask, 1u << TRIGON_NS_MNT);
  const auto& namespaced = policy_of("capabilities").hooks[0].selectors[0].tasks;
  ASSERT_EQ(namespaced.size(), 2u) << "the second: in a user namespace that is not the host's";
  EXPECT_EQ(namespaced[0].field, TRIGON_CAP_PERMITTED);
  EXPECT_EQ(namespaced[1].field, TRIGON_NS_USER);
  EXPECT_TRUE(namespaced[1].predicate.negated);
  EXPECT_THAT(namespaced[1].predicate.numbers, ElementsAre(8));
}

TEST(Corpus, UprobesAreOneHookForEachPlace) {
  const Policy& p = policy_of("uprobe");
  ASSERT_EQ(p.hooks.size(), 3u);
  EXPECT_EQ(p.hooks[2].point.symbol, "_start");
  EXPECT_EQ(p.hooks[2].point.offset, 16u);
  EXPECT_EQ(p.hooks[2].spec_index, 0u);
  const Policy& places = policy_of("uprobe-places");
  ASSERT_EQ(places.hooks.size(), 3u);
  EXPECT_EQ(places.hooks[1].point.offset, 8192u);
  EXPECT_EQ(places.hooks[1].point.ref_ctr_offset, 24u);
  EXPECT_EQ(places.hooks[2].point.address, 0x401000u);
  EXPECT_EQ(places.hooks[2].digests[0], "build-id:0123ab");
  EXPECT_TRUE(places.hooks[2].skip_on_digest);
}

TEST(Corpus, RecordsAreReadWhereTheyLie) {
  const Hook& hook = policy_of("classic-tracepoint").hooks[0];
  EXPECT_EQ(hook.point.kind, HookPoint::Kind::kTracepoint);
  EXPECT_EQ(hook.args[0].type, "data_loc");
  EXPECT_EQ(hook.args[0].conf.type, TRIGON_ARG_DATA_LOC);
  EXPECT_EQ(hook.args[0].conf.off[0], 8u);
  EXPECT_EQ(hook.args[1].conf.source, TRIGON_FROM_RECORD);
  EXPECT_EQ(hook.args[1].conf.off[0], 12u);
  EXPECT_EQ(hook.args[1].conf.size, 4);
  EXPECT_EQ(policy_of("raw-tracepoint").hooks[0].point.kind, HookPoint::Kind::kRawTracepoint);
}

TEST(Corpus, MacrosBringTheirBlocks) {
  const Selector& s = policy_of("macros").hooks[0].selectors[0];
  EXPECT_EQ(s.label, "attach");
  ASSERT_EQ(s.binaries.size(), 1u);
  EXPECT_TRUE(s.binaries[0].follow_children);
  EXPECT_THAT(s.binaries[0].predicate.strings, ElementsAre("/bin/sh", "/bin/bash"));
  EXPECT_EQ(s.args.size(), 1u);
}

TEST(Corpus, OneEntryAfterAnother) {
  const Policy& p = policy_of("several-kinds");
  ASSERT_EQ(p.hooks.size(), 3u);
  EXPECT_TRUE(p.hooks[0].point.no_multi);
  EXPECT_FALSE(p.hooks[2].point.no_multi);
  EXPECT_EQ(p.hooks[1].kind, HookKind::kLsm);
  EXPECT_EQ(p.hooks[2].spec_index, 2u);
  EXPECT_TRUE(policy_of("fentries").hooks[0].point.trampoline_only);
}

TEST(Corpus, StructuresPassedByValueTakeTwoRegisters) {
  const std::string text =
      "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: p}\nspec:\n  kprobes:\n"
      "  - {call: bpf_check, syscall: false, args: [{index: 3, type: uint32}]}\n";
  const Loaded loaded = load_text("p", text, {Arch::kX86_64, &kernel()});
  EXPECT_EQ(format(loaded.diagnostics), "");
  ASSERT_EQ(loaded.policies.size(), 1u);
  EXPECT_EQ(loaded.policies[0].hooks[0].args[0].conf.arg, 4);
}

}  // namespace
}  // namespace trigon::policy
