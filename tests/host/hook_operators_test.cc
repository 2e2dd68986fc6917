// Every operator and match block where the kernel's own objects decide: one policy that must match, one that must not.
// Those on arguments of system calls are in operators_test.cc.
#include "hook_case.h"

namespace trigon::host {
namespace {

constexpr char kFunctions[] = "fentry kprobe";

void nothing_more(const Json&, const Finished&) {}

// `filter` on argument `index`: "GT, values: [5]".
std::string on(int index, const std::string& filter) {
  return "{index: " + std::to_string(index) + ", operator: " + filter + "}";
}
std::string args(const std::string& first, const std::string& second = "") {
  return "matchArgs: [" + first + (second.empty() ? "" : ", " + second) + "]";
}

// An operator and what of a value it must and must not match.
struct Pair {
  const char* name;
  const char* match;
  const char* other;
};

std::vector<HookCase> socket_cases() {
  // From 127.0.0.1, a port above 32767, to port 47113 of 127.0.0.1.
  constexpr Pair kPairs[] = {
      {"SAddr", "SAddr, values: [127.0.0.0/8]", "SAddr, values: [10.0.0.0/8, '::/0']"},
      {"NotSAddr", "NotSAddr, values: ['::/0', 127.0.0.2]", "NotSAddr, values: [1.1.1.1, 127.0.0.1]"},
      {"DAddr", "DAddr, values: ['::1', 127.0.0.1]", "DAddr, values: [127.0.0.0/32, 128.0.0.0/1]"},
      {"NotDAddr", "NotDAddr, values: [128.0.0.0/1]", "NotDAddr, values: [0.0.0.0/0]"},
      {"SPort", "SPort, values: ['1024:65535']", "SPort, values: ['0:1023', 47113]"},
      {"NotSPort", "NotSPort, values: ['0:1023']", "NotSPort, values: ['1024:65535']"},
      {"DPort", "DPort, values: [1, 47113]", "DPort, values: [47112, '47114:50000']"},
      {"NotDPort", "NotDPort, values: [47112]", "NotDPort, values: ['47000:48000']"},
      {"SPortPriv", "NotSportPriv", "SPortPriv"},
      {"DPortPriv", "NotDPortPriv", "DPortPriv"},
      {"Protocol", "Protocol, values: [IPPROTO_UDP, IPPROTO_TCP]", "Protocol, values: [IPPROTO_UDP]"},
      {"Family", "Family, values: [AF_INET]", "Family, values: [AF_INET6, AF_UNIX]"},
      {"State", "State, values: [TCP_SYN_SENT]", "State, values: [TCP_ESTABLISHED, TCP_SYN_RECV]"},
  };
  std::vector<HookCase> cases;
  for (const Pair& pair : kPairs) {
    cases.push_back({pair.name,
                     kFunctions,
                     "kprobes",
                     {"tcp_connect"},
                     "call: '@', syscall: false, args: [{index: 0, type: sock}]",
                     args(on(0, pair.match)),
                     args(on(0, pair.other)),
                     "tcp",
                     nothing_more});
  }
  return cases;
}

std::vector<HookCase> text_cases() {
  // Of "probed text" whose third argument is 8. The other call's text cannot be read.
  constexpr Pair kPairs[] = {
      {"Equal", "Equal, values: [probed, probed text]", "Equal, values: [probed tex, probed text.]"},
      {"NotEqual", "NotEqual, values: [probed]", "NotEqual, values: [probed text]"},
      {"Prefix", "Prefix, values: [probed t]", "Prefix, values: [robed, probed text.]"},
      {"NotPrefix", "NotPrefix, values: [robed]", "NotPrefix, values: [p]"},
      {"Postfix", "Postfix, values: [d text]", "Postfix, values: [d tex, a probed text]"},
      {"NotPostfix", "NotPostfix, values: [tex]", "NotPostfix, values: [text]"},
      {"SubString", "SubString, values: [none, d te]", "SubString, values: [D TE, dte]"},
      {"SubStringIgnCase", "SubStringIgnCase, values: [D TE]", "SubStringIgnCase, values: [DTE]"},
  };
  std::vector<HookCase> cases;
  for (const Pair& pair : kPairs) {
    const std::string ours = on(2, "Equal, values: [8]");
    cases.push_back({std::string("Text") + pair.name,
                     "uprobe",
                     "uprobes",
                     {},
                     "path: " + trigger("objects") +
                         ", symbols: [probed_text], args: [{index: 0, type: string}, {index: 2, type: ulong}]",
                     args(ours, on(0, pair.match)),
                     args(ours, on(0, pair.other)),
                     "probes",
                     nothing_more});
  }
  return cases;
}

std::vector<HookCase> number_cases() {
  // int64 -5 and size_t 2^40.
  struct OfNumber {
    Pair pair;
    int index;
  };
  constexpr OfNumber kPairs[] = {
      {{"Equal", "Equal, values: [0x10000000000]", "Equal, values: [0, 1]"}, 3},
      {{"NotEqual", "NotEqual, values: [5]", "NotEqual, values: [-5]"}, 1},
      {{"In", "In, values: [-5]", "In, values: [5]"}, 1},
      {{"NotIn", "NotIn, values: [0]", "NotIn, values: [1099511627776]"}, 3},
      {{"GreaterThan", "GreaterThan, values: [-6]", "GreaterThan, values: [-5]"}, 1},
      {{"LessThan", "LessThan, values: [-4]", "LessThan, values: [-5]"}, 1},
      {{"GT", "GT, values: [4294967296]", "GT, values: [1099511627776]"}, 3},
      {{"LT", "LT, values: [1099511627777]", "LT, values: [1099511627776]"}, 3},
      {{"Mask", "Mask, values: [0x10000000000]", "Mask, values: [0xffffffff]"}, 3},
      {{"InMap", "InMap, values: [1, '1099511627770:1099511627776']", "InMap, values: ['0:1099511627775']"}, 3},
      {{"NotInMap", "NotInMap, values: ['0:100']", "NotInMap, values: ['0:2199023255552']"}, 3},
      {{"InRange", "InRange, values: ['-10:-5']", "InRange, values: ['-4:4', '-100:-6']"}, 1},
      {{"NotInRange", "NotInRange, values: ['-4:4']", "NotInRange, values: ['-10:10']"}, 1},
  };
  std::vector<HookCase> cases;
  for (const auto& [pair, index] : kPairs) {
    cases.push_back({std::string("Number") + pair.name,
                     "uprobe",
                     "uprobes",
                     {},
                     "path: " + trigger("objects") +
                         ", symbols: [probed_wide], args: [{index: 1, type: int64}, {index: 3, type: size_t}]",
                     args(on(index, pair.match)),
                     args(on(index, pair.other)),
                     "probes",
                     nothing_more});
  }
  return cases;
}

std::vector<HookCase> file_cases() {
  constexpr Pair kPairs[] = {
      {"FileTypeFifo", "FileType, values: [fifo]", "FileType, values: [dir, sock, chr]"},
      {"FileTypeRegular", "FileType, values: [reg]", "FileType, values: [blk, lnk]"},
      {"NotFileType", "NotFileType, values: [reg, dir]", "NotFileType, values: [pipe, regular]"},
      {"PathSubString", "SubString, values: [jects-types-fi]", "SubString, values: [objects-types/]"},
      {"PathSubStringIgnCase", "SubStringIgnCase, values: [OBJECTS-types-FIFO]",
       "SubStringIgnCase, values: [typesfifo]"},
      {"PathPostfix", "Postfix, values: [s-fifo]", "Postfix, values: [-fif]"},
      {"PathNotPrefix", "NotPrefix, values: [/proc]", "NotPrefix, values: [/]"},
  };
  std::vector<HookCase> cases;
  for (const Pair& pair : kPairs) {
    const std::string ours = on(0, "SubString, values: [/objects-types-]");
    cases.push_back({pair.name,
                     kFunctions,
                     "kprobes",
                     {"security_file_permission"},
                     "call: '@', syscall: false, args: [{index: 0, type: file}, {index: 1, type: int}]",
                     args(ours, on(0, pair.match)),
                     args(ours, on(0, pair.other)),
                     "types",
                     [](const Json& event, const Finished&) {
                       EXPECT_NE(event.at("args")[0].dump().find("/objects-types-"), std::string::npos);
                     },
                     false,
                     true});
  }
  return cases;
}

// Of the process that asks, at a system call with a number of its own.
HookCase of_process(const char* name, int number, const std::string& operation, const std::string& match,
                    const std::string& other) {
  const std::string ours = "matchArgs: [{index: 0, operator: Equal, values: [" + std::to_string(number) + "]}], ";
  return {name,         "tp_btf",     "kprobes", {},          "call: sys_getsid, args: [{index: 0, type: int}]",
          ours + match, ours + other, operation, nothing_more};
}

std::vector<HookCase> process_cases() {
  const auto capabilities = [](const char* name, const std::string& block, const std::string& match,
                               const std::string& other) {
    return of_process(name, -77, "capset", block + ": [{" + match + "}]", block + ": [{" + other + "}]");
  };
  return {
      // Called once in the namespace of the host and once after leaving it.
      of_process("NamespaceIn", -78, "namespace",
                 "matchNamespaces: [{namespace: Uts, operator: In, values: [host_ns]}]",
                 "matchNamespaces: [{namespace: Uts, operator: In, values: ['1']}]"),
      of_process("NamespaceNotIn", -78, "namespace",
                 "matchNamespaces: [{namespace: Uts, operator: NotIn, values: [host_ns]}]",
                 "matchNamespaces: [{namespace: User, operator: NotIn, values: [host_ns]}]"),
      of_process("NamespaceChange", -78, "namespace", "matchNamespaceChanges: [{operator: In, values: [Uts]}]",
                 "matchNamespaceChanges: [{operator: In, values: [Net, Ipc]}]"),
      of_process("NoNamespaceChange", -78, "namespace", "matchNamespaceChanges: [{operator: NotIn, values: [Uts]}]",
                 "matchNamespaceChanges: [{operator: In, values: [Mnt]}]"),
      // With CAP_KILL and CAP_SYS_CHROOT effective, all permitted.
      capabilities("CapabilityEffective", "matchCapabilities", "type: Effective, operator: In, values: [CAP_KILL]",
                   "type: Effective, operator: In, values: [CAP_SYS_ADMIN, CAP_BPF]"),
      capabilities("CapabilityNotEffective", "matchCapabilities",
                   "type: Effective, operator: NotIn, values: [CAP_SYS_ADMIN]",
                   "type: Effective, operator: NotIn, values: [CAP_SYS_ADMIN, CAP_KILL]"),
      capabilities("CapabilityPermitted", "matchCapabilities", "type: Permitted, operator: In, values: [CAP_SYS_ADMIN]",
                   "type: Permitted, operator: NotIn, values: [CAP_SYS_ADMIN]"),
      capabilities("CapabilityInheritable", "matchCapabilities",
                   "type: Inheritable, operator: NotIn, values: [CAP_SYS_ADMIN]",
                   "type: Inheritable, operator: In, values: [CAP_SYS_ADMIN]"),
      capabilities("CapabilityChange", "matchCapabilityChanges",
                   "type: Effective, operator: In, values: [CAP_SYS_ADMIN]",
                   "type: Effective, operator: In, values: [CAP_KILL, CAP_SYS_CHROOT]"),
      capabilities("NoCapabilityChange", "matchCapabilityChanges",
                   "type: Permitted, operator: NotIn, values: [CAP_SYS_ADMIN]",
                   "type: Effective, operator: NotIn, values: [CAP_SYS_ADMIN]"),
      // Called once as root and once as 1234, 1235, 1236.
      of_process("CurrentUid", -79, "ids", "matchCurrentCred: [{uid: [{operator: Equal, values: ['1234']}]}]",
                 "matchCurrentCred: [{uid: [{operator: Equal, values: ['1235', '4000:5000']}]}]"),
      of_process("CurrentEffectiveUid", -79, "ids",
                 "matchCurrentCred: [{euid: [{operator: NotEqual, values: ['1235']}]}]",
                 "matchCurrentCred: [{euid: [{operator: Equal, values: ['1236']}]}]"),
      of_process(
          "CurrentGid", -79, "ids",
          "matchCurrentCred: [{egid: [{operator: Equal, values: ['2230:2240']}], suid: [{operator: Equal, values: "
          "['1236']}]}]",
          "matchCurrentCred: [{egid: [{operator: Equal, values: ['2235']}], fsuid: [{operator: NotEqual, values: "
          "['1235']}]}]"),
  };
}

std::vector<HookCase> all_cases() {
  std::vector<HookCase> all;
  for (const auto& cases : {socket_cases(), text_cases(), number_cases(), file_cases(), process_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

class HookOperators : public HookCaseTest {
 protected:
  static void SetUpTestSuite() { start_cases(all_cases()); }
};

TEST_P(HookOperators, MatchWhatTheyShouldAndNoMore) { check_case(); }

INSTANTIATE_TEST_SUITE_P(Table, HookOperators, ::testing::ValuesIn(all_cases()),
                         [](const auto& hook) { return hook.param.name; });

// -- binaries, lists, long values: at a system call, so on every kernel

constexpr char kGetsid[] = "124", kOpenat[] = "257";

std::string getsid_policy(const std::string& name, int number, const std::string& match,
                          const std::string& options = "") {
  return flow_policy(name, "kprobes",
                     "call: sys_getsid, args: [{index: 0, type: int}], selectors: [{" +
                         args(on(0, "Equal, values: [" + std::to_string(number) + "]")) + (match.empty() ? "" : ", ") +
                         match + "}]",
                     options);
}

class HookBinaries : public HostTest {};

// By the file that runs, whatever its name; the option `literal` looks at the name alone.
TEST_F(HookBinaries, FollowTheFile) {
  Folder folder;
  const std::string original = folder.file("original"), hard = folder.file("hard"), soft = folder.file("soft");
  std::filesystem::copy_file(trigger("call"), original);
  std::filesystem::create_hard_link(original, hard);
  std::filesystem::create_symlink(original, soft);
  const auto binary = [](const std::string& path, const char* op = "In") {
    return "matchBinaries: [{operator: " + std::string(op) + ", values: [" + path + "]}]";
  };
  const std::string literal = "options: [{name: match-binaries, value: literal}], ";
  Agent agent({}, {getsid_policy("by-name", -71, binary(original)), getsid_policy("by-link", -71, binary(soft)),
                   getsid_policy("not-it", -71, binary(original, "NotIn")),
                   getsid_policy("literal", -71, binary(original), literal),
                   getsid_policy("literal-link", -71, binary(soft), literal)});
  ASSERT_EQ(agent.problem(), "");
  const pid_t by_hard = run({hard, kGetsid, "-71"}).pid, by_soft = run({soft, kGetsid, "-71"}).pid;
  const pid_t direct = run({original, kGetsid, "-71"}).pid;
  ASSERT_TRUE(agent.sync());
  const auto count = [&](const char* policy, pid_t pid) { return agent.events().hooks(policy, pid).size(); };
  for (const pid_t pid : {by_hard, by_soft, direct}) {
    EXPECT_EQ(count("by-name", pid), 1u) << pid - direct;
    EXPECT_EQ(count("by-link", pid), 1u) << pid - direct;
    EXPECT_EQ(count("not-it", pid), 0u) << pid - direct;
  }
  EXPECT_EQ(count("literal", by_hard), 0u);
  EXPECT_EQ(count("literal", direct), 1u);
  // What runs through a symbolic link has the name of its target.
  EXPECT_EQ(count("literal", by_soft), 1u);
  EXPECT_EQ(count("literal-link", by_soft), 0u);
}

TEST_F(HookBinaries, Parents) {
  Folder folder;
  const std::string shell = folder.file("sh");
  std::filesystem::copy_file("/bin/sh", shell);
  Agent agent({},
              {getsid_policy("parent", -72, "matchParentBinaries: [{operator: In, values: [" + shell + "]}]"),
               getsid_policy("other-parent", -72, "matchParentBinaries: [{operator: NotIn, values: [" + shell + "]}]"),
               getsid_policy("itself", -72, "matchBinaries: [{operator: In, values: [" + shell + "]}]")});
  ASSERT_EQ(agent.problem(), "");
  // A grandchild too: the shell in between is that of the system.
  const std::string call = trigger("call") + " " + kGetsid + " -72";
  const Finished done = run({shell, "-c", call + "; /bin/sh -c '" + call + "; exit 0'; exit 0"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  ASSERT_EQ(run({trigger("call"), kGetsid, "-72"}).exit_code, 0);
  ASSERT_TRUE(agent.sync());
  EXPECT_EQ(agent.events().hooks("itself").size(), 0u);
  EXPECT_EQ(agent.events().hooks("parent").size(), 1u);
  EXPECT_EQ(agent.events().hooks("other-parent").size(), 2u);
}

// Disabled: a known defect. A process joins the set only when a hook looks at it, so that the children of one that was
// never looked at are not followed.
TEST_F(HookBinaries, Children) {
  Folder folder;
  const std::string shell = folder.file("sh");
  std::filesystem::copy_file("/bin/sh", shell);
  Agent agent({}, {getsid_policy("children", -74,
                                 "matchBinaries: [{operator: In, values: [" + shell + "], followChildren: true}]")});
  ASSERT_EQ(agent.problem(), "");
  const std::string call = trigger("call") + " " + kGetsid + " -74";
  ASSERT_EQ(run({shell, "-c", call + "; /bin/sh -c '" + call + "; exit 0'; exit 0"}).exit_code, 0);
  ASSERT_EQ(run({trigger("call"), kGetsid, "-74"}).exit_code, 0);
  ASSERT_TRUE(agent.sync());
  EXPECT_EQ(agent.events().hooks("children").size(), 2u);
}

class HookValues : public HostTest {};

TEST_F(HookValues, LongTextsAndLists) {
  const std::string folder(3990, 'x'), value = "/" + folder + "/the-end", other = "/" + folder + "/the-enD";
  const auto open_policy = [](const std::string& name, const std::string& filter) {
    return flow_policy(
        name, "kprobes",
        "call: sys_openat, args: [{index: 1, type: string}], selectors: [{" + args(on(1, filter)) + "}]");
  };
  Agent agent(
      {}, {open_policy("long-equal", "Equal, values: [" + value + "]"),
           open_policy("long-prefix", "Prefix, values: [/" + folder + "/]"),
           open_policy("long-postfix", "Postfix, values: [" + folder + "/the-end]"),
           open_policy("long-other", "Equal, values: [/" + folder + "]"),
           flow_policy("listed", "tracepoints",
                       "subsystem: raw_syscalls, event: sys_enter, args: [{index: 4, type: syscall64}], selectors: [{" +
                           args(on(4, "InMap, values: ['list:asked']")) + ", matchBinaries: [{operator: In, values: [" +
                           trigger("call") + "]}]}]",
                       "lists: [{name: asked, type: syscalls, values: [sys_getsid, sys_getpgid]}], ")});
  ASSERT_EQ(agent.problem(), "");
  const Finished done =
      agent.run({"call", kOpenat, "-1", "s:" + value, "0", ",", kOpenat, "-1", "s:" + other, "0", ",", kGetsid, "-73"});
  ASSERT_EQ(agent.problem(), "");
  ASSERT_EQ(done.exit_code, 0);
  const auto of = [&](const char* policy) { return agent.events().hooks(policy, done.pid); };
  ASSERT_EQ(of("long-equal").size(), 1u);
  EXPECT_EQ(text_at(of("long-equal")[0].at("args")[0], {"string_arg"}), value);
  EXPECT_EQ(of("long-prefix").size(), 2u);
  EXPECT_EQ(of("long-postfix").size(), 1u);
  EXPECT_EQ(of("long-other").size(), 0u);
  ASSERT_EQ(of("listed").size(), 1u);
  EXPECT_EQ(at(of("listed")[0].at("args")[0], {"syscall_id", "id"}), 124);
}

}  // namespace
}  // namespace trigon::host
