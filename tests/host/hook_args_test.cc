// Every argument type on real objects of the kernel: what the event says of them must be what the trigger knows of
// them.
#include <set>

#include "hook_case.h"

namespace trigon::host {
namespace {

constexpr char kFunctions[] = "fentry kprobe";

Json file_of(const Json& fact) {
  return {{"path", fact.at("path")}, {"permission", permission(fact.at("mode").get<unsigned>())}};
}

void expect_args(const Json& event, const Json& expected) { EXPECT_EQ(at(event, {"args"}), expected); }

Json arg(const Json& event, size_t position, const char* type) {
  const Json args = at(event, {"args"});
  return args.size() > position ? at(args[position], {type}) : Json();
}

// Those members of `found` that `expected` has.
Json same_members(const Json& found, const Json& expected) {
  Json out = Json::object();
  for (const auto& [key, value] : expected.items()) {
    if (found.is_object() && found.contains(key)) out[key] = found.at(key);
  }
  return out;
}

std::string bytes_of(const Json& base64) {
  return base64.is_string() ? base64_decode(base64.get<std::string>()) : std::string();
}

std::string hex_mask(uint64_t mask) {
  char text[20];
  snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(mask));
  return text;
}

std::vector<HookCase> file_cases() {
  const std::string two = "call: '@', syscall: false, args: [{index: 0, type: file}, {index: 1, type: int}]";
  const std::string written =
      "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}, "
      "{index: 1, operator: Equal, values: [2]}]";
  const std::string unknown =
      "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}, "
      "{index: 1, operator: Equal, values: [3]}]";
  const auto wrote = [](const Json& event, const Finished& done) {
    expect_args(event, {{{"file_arg", file_of(done.fact("file"))}}, {{"int_arg", 2}}});
  };
  return {
      {"File", kFunctions, "kprobes", {"security_file_permission"}, two, written, unknown, "file", wrote},
      {"FileAndItsReturn",
       kFunctions,
       "kprobes",
       {"security_file_permission"},
       two + ", return: true, returnArg: {index: 0, type: int}",
       written + ", matchReturnArgs: [{index: 0, operator: "
                 "Equal, values: [0]}]",
       written + ", matchReturnArgs: [{index: 0, operator: LT, values: [0]}]",
       "file",
       [=](const Json& event, const Finished& done) {
         wrote(event, done);
         EXPECT_EQ(at(event, {"return"}), Json({{"int_arg", 0}}));
       }},
      {"FileByFentry", "fentry", "fentries", {"security_file_permission"}, two, written, unknown, "file", wrote},
      {"FileByKprobe",
       "kprobe",
       "kprobes",
       {"security_file_permission"},
       two + ", data: [{index: 0, type: int, source: pt_regs, resolve: rsi}]",
       written + ", matchData: [{index: 0, operator: Equal, values: [2]}]",
       written + ", matchData: [{index: 0, operator: NotEqual, values: [2]}]",
       "file",
       [=](const Json& event, const Finished& done) {
         wrote(event, done);
         EXPECT_EQ(at(event, {"data"}), Json::array({{{"int_arg", 2}}}));
       }},
      {"FileInAnLsmHook",
       "lsm",
       "lsmhooks",
       {},
       "hook: file_permission, args: [{index: 0, type: file}, {index: 1, type: "
       "int}]",
       written,
       unknown,
       "file",
       wrote},
      {"FileAsAFunctionOfTheDescriptorTable",
       kFunctions,
       "kprobes",
       {"fd_install"},
       "call: '@', syscall: false, args: [{index: 0, type: uint32}, {index: 1, type: file}]",
       "matchArgs: [{index: 1, operator: Postfix, values: [/objects-buffers]}]",
       "matchArgs: [{index: 1, operator: Postfix, values: [/objects-buffer]}]",
       "buffers",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(arg(event, 0, "uint_arg"), done.fact("buffers").at("fd"));
         EXPECT_EQ(at(arg(event, 1, "file_arg"), {"path"}), done.fact("buffers").at("path"));
       }},
      {"Filename",
       kFunctions,
       "kprobes",
       {"do_filp_open", "do_file_open"},
       "call: '@', syscall: false, args: [{index: 1, type: filename}]",
       "matchArgs: [{index: 1, operator: Postfix, values: [/objects-file]}]",
       "matchArgs: [{index: 1, operator: Equal, values: [/objects-file]}]",
       "file",
       [](const Json& event, const Finished& done) {
         expect_args(event, Json::array({{{"string_arg", done.fact("file").at("path")}}}));
       }},
      {"Path",
       kFunctions,
       "kprobes",
       {"security_path_truncate"},
       "call: '@', syscall: false, args: [{index: 0, type: path}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-truncate]}]",
       "matchArgs: [{index: 0, operator: NotPostfix, values: [/objects-truncate]}]",
       "truncate",
       [](const Json& event, const Finished& done) {
         expect_args(event, Json::array({{{"path_arg", file_of(done.fact("truncate"))}}}));
       }},
      {"Dentry",
       kFunctions,
       "kprobes",
       {"security_inode_unlink"},
       "call: '@', syscall: false, args: [{index: 1, type: dentry}]",
       "matchArgs: [{index: 1, operator: Postfix, values: [/objects-unlink]}]",
       "matchArgs: [{index: 1, operator: Prefix, values: [/objects-unlink]}]",
       "unlink",
       [](const Json& event, const Finished& done) {
         // Up to the root of its file system, which may be mounted anywhere.
         const Json fact = done.fact("unlink");
         const std::string full = fact.at("path"), folder = fact.at("folder");
         const std::string path = text_at(arg(event, 0, "path_arg"), {"path"});
         EXPECT_TRUE(full.ends_with(path)) << path;
         EXPECT_TRUE(path.ends_with(folder.substr(folder.rfind('/')) + "/objects-unlink")) << path;
         EXPECT_EQ(text_at(arg(event, 0, "path_arg"), {"permission"}), "-rw----r--");
       }},
      {"BinprmAndAResolvedName",
       kFunctions,
       "kprobes",
       {"security_bprm_check"},
       "call: '@', syscall: false, args: [{index: 0, type: linux_binprm}, {index: 0, type: string, resolve: "
       "file.f_path.dentry.d_name.name}, {index: 0, type: string, resolve: mm.owner.real_parent.comm}]",
       "matchArgs: [{args: [0], operator: Postfix, values: [/objects-exec]}, {args: [1], operator: Equal, values: "
       "[objects-exec]}]",
       "matchArgs: [{args: [0], operator: Postfix, values: [/objects-exec]}, {args: [1], operator: NotEqual, values: "
       "[objects-exec]}]",
       "exec",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(arg(event, 0, "linux_binprm_arg"), file_of(done.fact("exec")));
         EXPECT_EQ(arg(event, 1, "string_arg"), "objects-exec");
       }},
      {"BinprmInAnLsmHook",
       "lsm",
       "lsmhooks",
       {},
       "hook: bprm_check_security, args: [{index: 0, type: linux_binprm}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-exec]}]",
       "matchArgs: [{index: 0, operator: Prefix, values: [/objects-exec]}]",
       "exec",
       [](const Json& event, const Finished& done) {
         expect_args(event, Json::array({{{"linux_binprm_arg", file_of(done.fact("exec"))}}}));
       }},
      {"KiocbAndIovIter",
       kFunctions,
       "kprobes",
       {"shmem_file_write_iter", "generic_file_write_iter"},
       "call: '@', syscall: false, args: [{index: 0, type: kiocb}, {index: 1, type: iov_iter}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}, {index: 1, operator: Equal, values: "
       "[abc]}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}, {index: 1, operator: Prefix, values: [b]}]",
       "file",
       [](const Json& event, const Finished& done) {
         expect_args(event, {{{"file_arg", file_of(done.fact("file"))}}, {{"bytes_arg", "YWJj"}}});
       }},
      {"StringAndPathOfAMount",
       kFunctions,
       "kprobes",
       {"security_sb_mount"},
       "call: '@', syscall: false, args: [{index: 0, type: string}, {index: 1, type: path}, {index: 2, type: string}, "
       "{index: 3, type: ulong}]",
       "matchArgs: [{index: 0, operator: Equal, values: [objects-device]}, {index: 3, operator: Mask, values: [4]}]",
       "matchArgs: [{index: 0, operator: Equal, values: [objects-device]}, {index: 2, operator: NotEqual, values: "
       "[tmpfs]}]",
       "mount",
       [](const Json& event, const Finished& done) {
         expect_args(event, {{{"string_arg", "objects-device"}},
                             {{"path_arg", file_of(done.fact("mount"))}},
                             {{"string_arg", "tmpfs"}},
                             {{"size_arg", "4"}}});
       }},
  };
}

std::vector<HookCase> credential_cases() {
  return {
      {"Cred",
       kFunctions,
       "kprobes",
       {"commit_creds"},
       "call: '@', syscall: false, args: [{index: 0, type: cred}, {index: 0, type: uint32, resolve: uid.val}]",
       "matchArgs: [{args: [1], operator: Equal, values: [1234]}]",
       "matchArgs: [{args: [1], operator: InRange, values: ['1235:4000000000']}]",
       "cred",
       [](const Json& event, const Finished&) {
         const Json expected = {{"uid", 1234}, {"euid", 1235}, {"suid", 1236}, {"fsuid", 1235},
                                {"gid", 2234}, {"egid", 2235}, {"sgid", 2236}, {"fsgid", 2235}};
         EXPECT_EQ(same_members(arg(event, 0, "process_credentials_arg"), expected), expected);
         EXPECT_EQ(arg(event, 1, "uint_arg"), 1234);
       },
       false,
       true},
      {"CapabilityAndUserNamespace",
       kFunctions,
       "kprobes",
       {"cap_capable"},
       "call: '@', syscall: false, args: [{index: 1, type: user_namespace}, {index: 2, type: capability}], return: "
       "true, "
       "returnArg: {index: 0, type: int}",
       "matchArgs: [{index: 2, operator: Equal, values: [18]}]",
       "matchArgs: [{index: 2, operator: Equal, values: [18]}], matchReturnArgs: [{index: 0, operator: NotEqual, "
       "values: "
       "[0]}]",
       "chroot",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(arg(event, 1, "capability_arg"), Json({{"value", 18}, {"name", "CAP_SYS_CHROOT"}}));
         const Json expected = {{"inum", done.fact("chroot").at("user_ns")}, {"is_host", true}};
         EXPECT_EQ(same_members(at(arg(event, 0, "user_ns_arg"), {"ns"}), expected), expected);
         EXPECT_EQ(at(event, {"return"}), Json({{"int_arg", 0}}));
       }},
      {"CapabilitySets",
       kFunctions,
       "kprobes",
       {"security_capset"},
       "call: '@', syscall: false, args: [{index: 2, type: cap_effective}, {index: 3, type: cap_inheritable}, {index: "
       "4, "
       "type: cap_permitted}, {index: 2, type: kernel_cap_t}]",
       "matchArgs: [{args: [0, 1], operator: CapabilitiesGained}]",
       "matchArgs: [{args: [1, 0], operator: CapabilitiesGained}]",
       "capset",
       [](const Json& event, const Finished& done) {
         const Json fact = done.fact("capset");
         const std::string effective = hex_mask(fact.at("effective").get<uint64_t>());
         expect_args(event, {{{"cap_effective_arg", effective}},
                             {{"cap_inheritable_arg", hex_mask(0)}},
                             {{"cap_permitted_arg", hex_mask(fact.at("permitted").get<uint64_t>())}},
                             {{"kernel_cap_t_arg", effective}}});
       }},
      {"FieldsOfTheCurrentTask",
       kFunctions,
       "kprobes",
       {"security_file_permission"},
       "call: '@', syscall: false, args: [{index: 0, type: file}, {index: 1, type: int}], data: [{index: 0, type: "
       "string, "
       "source: current_task, resolve: comm}, {index: 0, type: string, source: current_task, resolve: "
       "group_leader.comm}, "
       "{index: 0, type: int, source: current_task, resolve: tgid}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}, {index: 1, operator: Equal, values: [4]}], "
       "matchData: [{index: 1, operator: Equal, values: [objects]}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-file]}], matchData: [{index: 0, operator: "
       "NotEqual, "
       "values: [objects]}]",
       "file",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(at(event, {"data"}),
                   Json({{{"string_arg", "objects"}}, {{"string_arg", "objects"}}, {{"int_arg", done.pid}}}));
       }},
  };
}

std::vector<HookCase> network_cases() {
  const std::string connect = "call: '@', syscall: false, args: [{index: 0, type: socket}, {index: 1, type: sockaddr}]";
  const std::string to_unix = "call: '@', syscall: false, args: [{index: 1, type: sockaddr_un}]";
  return {
      {"SocketAndSockaddr",
       kFunctions,
       "kprobes",
       {"security_socket_connect"},
       connect,
       "matchArgs: [{index: 0, operator: Family, values: [AF_INET]}, {index: 1, operator: SPort, values: [47113]}]",
       "matchArgs: [{index: 1, operator: SAddr, values: [10.0.0.0/8, '::/0']}]",
       "tcp",
       [](const Json& event, const Finished&) {
         const Json socket = {{"family", "AF_INET"}, {"type", "SOCK_STREAM"}, {"protocol", "IPPROTO_TCP"}};
         EXPECT_EQ(same_members(arg(event, 0, "sock_arg"), socket), socket);
         EXPECT_EQ(arg(event, 1, "sockaddr_arg"),
                   Json({{"family", "AF_INET"}, {"addr", "127.0.0.1"}, {"port", 47113}}));
       }},
      {"SockaddrUnOfAPath",
       kFunctions,
       "kprobes",
       {"security_socket_connect"},
       to_unix,
       "matchArgs: [{index: 1, operator: Equal, values: [/run/objects-socket]}]",
       "matchArgs: [{index: 1, operator: Equal, values: [/run/objects]}]",
       "unix",
       [](const Json& event, const Finished&) {
         expect_args(event,
                     Json::array({{{"sockaddrun_arg", {{"family", "AF_UNIX"}, {"path", "/run/objects-socket"}}}}}));
       }},
      {"SockaddrUnOfAnAbstractName",
       kFunctions,
       "kprobes",
       {"security_socket_connect"},
       to_unix,
       "matchArgs: [{index: 1, operator: Prefix, values: ['@objects-']}]",
       "matchArgs: [{index: 1, operator: Prefix, values: [objects-]}]",
       "unix",
       [](const Json& event, const Finished&) {
         expect_args(event,
                     Json::array({{{"sockaddrun_arg", {{"family", "AF_UNIX"}, {"path", "@objects-abstract"}}}}}));
       }},
      {"Sock",
       kFunctions,
       "kprobes",
       {"tcp_connect"},
       "call: '@', syscall: false, args: [{index: 0, type: sock}]",
       "matchArgs: [{index: 0, operator: DPort, values: [47113]}, {index: 0, operator: State, values: [TCP_SYN_SENT]}]",
       "matchArgs: [{index: 0, operator: State, values: [TCP_LISTEN]}]",
       "tcp",
       [](const Json& event, const Finished& done) {
         const Json expected = {{"family", "AF_INET"},       {"type", "SOCK_STREAM"},
                                {"protocol", "IPPROTO_TCP"}, {"saddr", "127.0.0.1"},
                                {"daddr", "127.0.0.1"},      {"dport", 47113},
                                {"state", "TCP_SYN_SENT"},   {"sport", done.fact("tcp").at("sport")}};
         EXPECT_EQ(same_members(arg(event, 0, "sock_arg"), expected), expected);
       }},
      {"SkbAndNetDevice",
       kFunctions,
       "kprobes",
       {"loopback_xmit"},
       "call: '@', syscall: false, args: [{index: 0, type: skb}, {index: 1, type: net_device}]",
       "matchArgs: [{index: 0, operator: Protocol, values: [IPPROTO_UDP]}, {index: 0, operator: DPort, values: "
       "[47113]}, "
       "{index: 1, operator: Equal, values: [lo]}]",
       "matchArgs: [{index: 0, operator: Protocol, values: [IPPROTO_UDP]}, {index: 1, operator: Equal, values: "
       "[eth0]}]",
       "udp",
       [](const Json& event, const Finished& done) {
         const Json expected = {{"saddr", "127.0.0.1"},
                                {"daddr", "127.0.0.1"},
                                {"dport", 47113},
                                {"proto", 17},
                                {"protocol", "IPPROTO_UDP"},
                                {"family", "AF_INET"},
                                {"sport", done.fact("udp").at("sport")}};
         EXPECT_EQ(same_members(arg(event, 0, "skb_arg"), expected), expected);
         // The loopback device has Ethernet headers.
         EXPECT_EQ(at(arg(event, 0, "skb_arg"), {"len"}), done.fact("udp").at("len").get<int>() + 14);
         EXPECT_EQ(arg(event, 1, "string_arg"), "lo");
       }},
  };
}

std::vector<HookCase> kernel_cases() {
  const Json program = {{"ProgType", "BPF_PROG_TYPE_SOCKET_FILTER"}, {"InsnCnt", 2}, {"ProgName", "objects_prog"}};
  return {
      {"BpfCmdAndBpfAttr",
       kFunctions,
       "kprobes",
       {"security_bpf"},
       "call: '@', syscall: false, args: [{index: 0, type: bpf_cmd}, {index: 1, type: bpf_attr}]",
       "matchArgs: [{index: 0, operator: Equal, values: [5]}]",
       "matchArgs: [{index: 0, operator: GT, values: [5]}]",
       "bpf",
       [=](const Json& event, const Finished&) {
         expect_args(event, {{{"bpf_cmd_arg", "BPF_PROG_LOAD"}}, {{"bpf_attr_arg", program}}});
       }},
      {"BpfProg",
       kFunctions,
       "kprobes",
       {"security_bpf_prog"},
       "call: '@', syscall: false, args: [{index: 0, type: bpf_prog}, {index: 0, type: uint32, resolve: len}]",
       "matchArgs: [{args: [1], operator: Equal, values: [2]}]",
       "matchArgs: [{args: [1], operator: NotEqual, values: [2]}]",
       "bpf",
       [=](const Json& event, const Finished&) { EXPECT_EQ(arg(event, 0, "bpf_prog_arg"), program); }},
      {"BpfMap",
       kFunctions,
       "kprobes",
       {"security_bpf_map"},
       "call: '@', syscall: false, args: [{index: 0, type: bpf_map}, {index: 0, type: uint32, resolve: max_entries}]",
       "matchArgs: [{args: [1], operator: Equal, values: [3]}]",
       "matchArgs: [{args: [1], operator: GT, values: [3]}]",
       "bpf",
       [](const Json& event, const Finished&) {
         EXPECT_EQ(arg(event, 0, "bpf_map_arg"), Json({{"MapType", "BPF_MAP_TYPE_ARRAY"},
                                                       {"KeySize", 4},
                                                       {"ValueSize", 24},
                                                       {"MaxEntries", 3},
                                                       {"MapName", "objects_map"}}));
       }},
      {"PerfEvent",
       kFunctions,
       "kprobes",
       {"security_perf_event_alloc"},
       "call: '@', syscall: false, args: [{index: 0, type: perf_event}, {index: 0, type: uint64, resolve: "
       "attr.config}]",
       "matchArgs: [{args: [1], operator: Equal, values: [2]}]",
       "matchArgs: [{args: [1], operator: LT, values: [2]}]",
       "perf",
       [](const Json& event, const Finished&) {
         const Json expected = {{"Type", "PERF_TYPE_SOFTWARE"}, {"Config", "2"}};
         EXPECT_EQ(same_members(arg(event, 0, "perf_event_arg"), expected), expected);
       }},
      {"DataLocOfATracepoint",
       "tracepoint",
       "tracepoints",
       {},
       "subsystem: sched, event: sched_process_exec, args: [{index: 4, type: data_loc}, {index: 5, type: int32}]",
       "matchArgs: [{index: 4, operator: Postfix, values: [/objects-exec]}]",
       "matchArgs: [{index: 4, operator: Equal, values: [/objects-exec]}]",
       "exec",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(arg(event, 0, "string_arg"), done.fact("exec").at("path"));
         EXPECT_EQ(arg(event, 1, "int_arg"), at(event, {"process", "pid"}));
       },
       true},
      {"TextOfATracepoint",
       "tracepoint",
       "tracepoints",
       {},
       "subsystem: task, event: task_newtask, args: [{index: 4, type: auto}, {index: 5, type: auto}]",
       "matchArgs: [{index: 5, operator: Equal, values: [objects]}]",
       "matchArgs: [{index: 5, operator: Equal, values: [object]}]",
       "task",
       [](const Json& event, const Finished&) {
         EXPECT_TRUE(bytes_of(arg(event, 1, "bytes_arg")).starts_with("objects"));
         EXPECT_TRUE(arg(event, 0, "int_arg").is_number());
       },
       false,
       true},
      {"ConstBufOfATracepoint",
       "tracepoint",
       "tracepoints",
       {},
       "subsystem: task, event: task_newtask, args: [{index: 5, type: const_buf}]",
       "matchArgs: [{index: 5, operator: Prefix, values: [objects]}]",
       "matchArgs: [{index: 5, operator: Prefix, values: [bjects]}]",
       "task",
       [](const Json& event, const Finished&) {
         EXPECT_TRUE(bytes_of(arg(event, 0, "bytes_arg")).starts_with("objects"));
       },
       false,
       true},
      {"BinprmOfARawTracepoint",
       "raw_tp",
       "tracepoints",
       {},
       "subsystem: sched, event: sched_process_exec, raw: true, args: [{index: 1, type: int}, {index: 2, type: "
       "linux_binprm}]",
       "matchArgs: [{index: 2, operator: Postfix, values: [/objects-exec]}]",
       "matchArgs: [{index: 2, operator: Prefix, values: [/objects-exec]}]",
       "exec",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(arg(event, 1, "linux_binprm_arg"), file_of(done.fact("exec")));
         EXPECT_EQ(arg(event, 0, "int_arg"), at(event, {"process", "pid"}));
       },
       true},
      {"BufferAtTheReturn",
       "raw_tp",
       "kprobes",
       {},
       "call: sys_read, args: [{index: 0, type: fd}, {index: 1, type: char_buf, returnCopy: true, sizeArgIndex: 3}, "
       "{index: "
       "2, type: size_t}], return: true, returnArg: {index: 0, type: long}",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-buffers]}], matchReturnArgs: [{index: 0, operator: "
       "Equal, values: [12]}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-buffers]}], matchReturnArgs: [{index: 0, operator: "
       "LT, "
       "values: [12]}]",
       "buffers",
       [](const Json& event, const Finished& done) {
         EXPECT_EQ(at(arg(event, 0, "file_arg"), {"path"}), done.fact("buffers").at("path"));
         EXPECT_EQ(bytes_of(arg(event, 1, "bytes_arg")), "gather-write");
         EXPECT_EQ(arg(event, 2, "size_arg"), "64");
         EXPECT_EQ(at(event, {"return"}), Json({{"long_arg", "12"}}));
       }},
      {"CharIovec",
       "raw_tp",
       "kprobes",
       {},
       "call: sys_writev, args: [{index: 0, type: fd}, {index: 1, type: char_iovec, sizeArgIndex: 3}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-buffers]}, {index: 1, operator: Equal, values: "
       "[gather-write]}]",
       "matchArgs: [{index: 0, operator: Postfix, values: [/objects-buffers]}, {index: 1, operator: Equal, values: "
       "[gather]}]",
       "buffers",
       [](const Json& event, const Finished&) {
         EXPECT_EQ(base64_decode(text_at(event.at("args")[1], {"bytes_arg"})), "gather-write");
       }},
  };
}

std::vector<HookCase> user_cases() {
  const std::string path = "path: " + trigger("objects") + ", ";
  return {
      {"NarrowNumbers",
       "uprobe",
       "uprobes",
       {},
       path +
           "symbols: [probed_narrow], args: [{index: 0, type: int8}, {index: 1, type: uint8}, {index: 2, type: int16}, "
           "{index: 3, type: uint16}, {index: 4, type: int32}]",
       "matchArgs: [{index: 0, operator: LT, values: [0]}, {index: 1, operator: Equal, values: [251]}, {index: 2, "
       "operator: "
       "Equal, values: [-5]}, {index: 3, operator: Equal, values: [65531]}, {index: 4, operator: Equal, values: [-5]}]",
       "matchArgs: [{index: 0, operator: Equal, values: [5]}]",
       "probes",
       [](const Json& event, const Finished&) {
         expect_args(
             event,
             {{{"int_arg", -5}}, {{"uint_arg", 251}}, {{"int_arg", -5}}, {{"uint_arg", 65531}}, {{"int_arg", -5}}});
       }},
      {"WideNumbers",
       "uprobe",
       "uprobes",
       {},
       path + "symbols: [probed_wide], args: [{index: 0, type: uint32}, {index: 1, type: int64}, {index: 2, type: "
              "uint64}, "
              "{index: 3, type: size_t}, {index: 4, type: int}]",
       "matchArgs: [{index: 0, operator: GT, values: [4294967290]}, {index: 1, operator: LT, values: [0]}, {index: 2, "
       "operator: GT, values: [9223372036854775807]}, {index: 3, operator: Equal, values: [0x10000000000]}]",
       "matchArgs: [{index: 3, operator: Equal, values: [0]}]",
       "probes",
       [](const Json& event, const Finished&) {
         expect_args(event, {{{"uint_arg", 4294967291u}},
                             {{"long_arg", "-5"}},
                             {{"size_arg", "18446744073709551611"}},
                             {{"size_arg", "1099511627776"}},
                             {{"int_arg", 77}}});
       }},
      {"TextBytesAndReturn",
       "uprobe",
       "uprobes",
       {},
       path + "symbols: [probed_text], args: [{index: 0, type: string}, {index: 1, type: char_buf, sizeArgIndex: 3}, "
              "{index: 2, type: ulong}], return: true, returnArg: {index: 0, type: long}",
       "matchArgs: [{index: 0, operator: Equal, values: [probed text]}], matchReturnArgs: [{index: 0, operator: Equal, "
       "values: [-49]}]",
       "matchArgs: [{index: 0, operator: Equal, values: [probed text]}], matchReturnArgs: [{index: 0, operator: GT, "
       "values: "
       "[-49]}]",
       "probes",
       [](const Json& event, const Finished&) {
         const Json args = at(event, {"args"});
         ASSERT_GE(args.size(), 3u);
         EXPECT_EQ(text_at(args[0], {"string_arg"}), "probed text");
         EXPECT_EQ(base64_decode(text_at(args[1], {"bytes_arg"})), std::string("\0probed\xff", 8));
         EXPECT_EQ(text_at(args[2], {"size_arg"}), "8");
         EXPECT_EQ(text_at(event, {"symbol"}), "probed_text");
       }},
      // What cannot be read must not get past a list of what is allowed.
      {"UnreadableMatchesNegatedOperators",
       "uprobe",
       "uprobes",
       {},
       path + "symbols: [probed_text], args: [{index: 0, type: string}, {index: 2, type: ulong}]",
       "matchArgs: [{index: 0, operator: NotEqual, values: [probed text]}]",
       "matchArgs: [{index: 0, operator: Prefix, values: [/, o, probed text]}, {index: 2, operator: Equal, values: "
       "[5]}]",
       "probes",
       [](const Json& event, const Finished&) {
         EXPECT_NE(event.dump().find("unreadable"), std::string::npos);
         EXPECT_EQ(at(event.at("args").back(), {"size_arg"}), "5");
       }},
      {"StaticProbe",
       "uprobe",
       "usdts",
       {},
       path + "provider: trigon, name: answer, args: [{index: 0, type: int32}, {index: 1, type: int64}]",
       "matchArgs: [{index: 0, operator: Equal, values: [-42]}, {index: 1, operator: Equal, values: [1099511627776]}]",
       "matchArgs: [{index: 0, operator: GT, values: [0]}]",
       "probes",
       [](const Json& event, const Finished&) {
         expect_args(event, {{{"int_arg", -42}}, {{"long_arg", "1099511627776"}}});
         EXPECT_EQ(text_at(event, {"provider"}), "trigon");
         EXPECT_EQ(text_at(event, {"name"}), "answer");
       }},
  };
}

std::vector<HookCase> all_cases() {
  std::vector<HookCase> all;
  for (const auto& cases : {file_cases(), credential_cases(), network_cases(), kernel_cases(), user_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

class HookArguments : public HookCaseTest {
 protected:
  static void SetUpTestSuite() { start_cases(all_cases()); }
};

TEST_P(HookArguments, AreWhatTheTriggerUsed) { check_case(); }

INSTANTIATE_TEST_SUITE_P(Types, HookArguments, ::testing::ValuesIn(all_cases()),
                         [](const auto& hook) { return hook.param.name; });

}  // namespace
}  // namespace trigon::host
