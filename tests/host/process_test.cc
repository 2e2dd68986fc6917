// Who started whom, who ended how, and as whom they ran.
#include <signal.h>
#include <unistd.h>

#include <set>

#include "fixture.h"

namespace trigon::host {
namespace {

class Process : public SharedAgentTest {
 protected:
  static void SetUpTestSuite() { start({"--enable-process-cred", "--enable-process-ns"}); }
  static const Events& events() { return agent().events(); }
};

TEST_F(Process, DoubleForkKeepsItsRealParent) {
  RUN_TRIGGER(done, {"double_fork"});
  const auto forks = done.facts("fork");
  ASSERT_EQ(forks.size(), 2u);
  // In whatever order they were printed: the one whose parent is the trigger made the middle process.
  const Json& first = forks[0].at("parent") == done.pid ? forks[0] : forks[1];
  const pid_t middle = first.at("child"), orphan = done.fact("self").at("pid");
  const Json event = events().exec(orphan);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(at(event, {"parent", "pid"}), middle);
  EXPECT_EQ(text_at(event, {"parent", "binary"}), trigger("double_fork"));
  EXPECT_EQ(text_at(event, {"parent", "flags"}), "clone");
  // And the middle one's parent is the trigger itself.
  const Json middle_exit = events().exit(middle);
  ASSERT_FALSE(middle_exit.is_null());
  EXPECT_EQ(at(middle_exit, {"parent", "pid"}), done.pid);
  EXPECT_EQ(middle_exit.value("status", 0), 3);
  EXPECT_EQ(at(event, {"parent", "exec_id"}), at(middle_exit, {"process", "exec_id"}));
}

TEST_F(Process, ReparentingDoesNotChangeWhoStartedIt) {
  RUN_TRIGGER(done, {"reparent"});
  const Json fork = done.fact("fork");
  const Json exec = events().exec(fork.at("child"));
  const Json exit = events().exit(fork.at("child"));
  ASSERT_FALSE(exec.is_null());
  ASSERT_FALSE(exit.is_null());
  EXPECT_EQ(at(exec, {"parent", "pid"}), fork.at("parent"));
  EXPECT_EQ(at(exit, {"parent", "pid"}), fork.at("parent"));
}

TEST_F(Process, Vfork) {
  RUN_TRIGGER(done, {"vfork_exec"});
  const pid_t child = done.fact("child").at("pid");
  const Json event = events().exec(child);
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "flags"}), "execve clone");
  EXPECT_EQ(at(event, {"parent", "pid"}), done.pid);
  EXPECT_EQ(events().exits(child).size(), 1u);
}

TEST_F(Process, ReusedPidsAreSeveralProcesses) {
  RUN_TRIGGER(done, {"pid_reuse", "3"});
  const auto selves = done.facts("self");
  ASSERT_EQ(selves.size(), 3u);
  const pid_t pid = selves[0].at("pid");
  const auto execs = events().execs(pid);
  const auto exits = events().exits(pid);
  ASSERT_EQ(execs.size(), 3u);
  ASSERT_EQ(exits.size(), 4u);  // the fork that made the pid free
  std::set<std::string> ids;
  for (size_t i = 0; i < execs.size(); ++i) {
    ids.insert(text_at(execs[i], {"process", "exec_id"}));
    EXPECT_EQ(text_at(execs[i], {"process", "arguments"}), "round " + std::to_string(i));
    EXPECT_EQ(at(exits[i + 1], {"process", "exec_id"}), at(execs[i], {"process", "exec_id"}));
    EXPECT_EQ(at(execs[i], {"parent", "pid"}), done.pid);
  }
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(Process, ExitCodes) {
  RUN_TRIGGER(done, {"exit_codes", "0", "1", "2", "127", "255"});
  const auto children = done.facts("child");
  ASSERT_EQ(children.size(), 5u);
  for (const Json& child : children) {
    const Json exit = events().exit(child.at("pid"));
    ASSERT_FALSE(exit.is_null());
    EXPECT_EQ(exit.value("status", 0), child.at("exited").get<int>());
    EXPECT_FALSE(exit.contains("signal"));
    EXPECT_EQ(exit.contains("status"), child.at("exited") != 0);
    EXPECT_EQ(at(exit, {"parent", "pid"}), done.pid);
  }
}

TEST_F(Process, ExitSignals) {
  const std::pair<const char*, const char*> signals[] = {
      {"1", "SIGHUP"},  {"2", "SIGINT"},   {"3", "SIGQUIT"},  {"4", "SIGILL"},   {"6", "SIGABRT"},  {"8", "SIGFPE"},
      {"9", "SIGKILL"}, {"10", "SIGUSR1"}, {"11", "SIGSEGV"}, {"13", "SIGPIPE"}, {"15", "SIGTERM"}, {"34", "SIGRTMIN"}};
  std::vector<std::string> words = {"exit_signal"};
  for (const auto& [number, name] : signals) words.emplace_back(number);
  RUN_TRIGGER(done, words);
  const auto children = done.facts("child");
  ASSERT_EQ(children.size(), std::size(signals));
  for (size_t i = 0; i < children.size(); ++i) {
    ASSERT_EQ(std::to_string(children[i].at("signal").get<int>()), signals[i].first);
    const Json exit = events().exit(children[i].at("pid"));
    ASSERT_FALSE(exit.is_null());
    EXPECT_EQ(exit.value("signal", ""), signals[i].second);
    EXPECT_FALSE(exit.contains("status"));
  }
}

TEST_F(Process, EndsWhenItsLastThreadDoes) {
  for (const char* how : {"group", "thread"}) {
    RUN_TRIGGER(done, {"thread_leader_exits_first", how});
    const Json last = done.fact("last_thread"), child = done.fact("child");
    const auto exits = events().exits(child.at("pid"));
    ASSERT_EQ(exits.size(), 1u) << how;
    EXPECT_EQ(exits[0].value("status", 0), child.at("exited").get<int>()) << how;
    EXPECT_EQ(at(exits[0], {"trigon", "exit_tid"}), last.at("tid")) << how;
    // The leader ended 50 ms earlier.
    EXPECT_GE(std::stoull(text_at(exits[0], {"trigon", "run_time_ns"})), 50'000'000u) << how;
  }
}

TEST_F(Process, RunTime) {
  RUN_TRIGGER(done, {"self", "--sleep", "100"});
  const Json exit = events().exit(done.pid);
  ASSERT_FALSE(exit.is_null());
  const uint64_t run = std::stoull(text_at(exit, {"trigon", "run_time_ns"}));
  EXPECT_GE(run, 100'000'000u);
  EXPECT_LE(run, patience(20) * 1e9);
}

TEST_F(Process, ExecComesBeforeExit) {
  RUN_TRIGGER(done, {"exec_args", "plain"});
  const int exec = events().position("process_exec", done.pid), exit = events().position("process_exit", done.pid);
  ASSERT_GE(exec, 0);
  EXPECT_GT(exit, exec);
}

// Capability names of a mask, as the events list them.
size_t count_bits(uint64_t mask) { return static_cast<size_t>(__builtin_popcountll(mask)); }

void expect_credentials(const Json& process, const Json& truth) {
  const Json credentials = at(process, {"process_credentials"});
  ASSERT_FALSE(credentials.is_null());
  for (const char* key : {"uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"}) {
    EXPECT_EQ(credentials.value(key, -1), truth.at(key).get<int>()) << key;
  }
  EXPECT_EQ(process.at("uid"), truth.at("euid"));
  for (const char* set : {"permitted", "effective", "inheritable"}) {
    const Json names = at(process, {"cap", set});
    EXPECT_EQ(names.size(), count_bits(truth.at(std::string("cap_") + set).get<uint64_t>())) << set;
  }
}

TEST_F(Process, Credentials) {
  RUN_TRIGGER(done, {"self"});
  const Json event = events().exec(done.pid);
  ASSERT_FALSE(event.is_null());
  expect_credentials(event.at("process"), done.fact("self"));
}

TEST_F(Process, SetuidProgram) {
  RUN_TRIGGER(done, {"setuid_exec", "setuid"});
  const Json truth = done.fact("self");
  if (truth.at("secure") == 0) GTEST_SKIP() << "the temporary folder is mounted nosuid";
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_credentials(event.at("process"), truth);
  EXPECT_EQ(at(event, {"process", "binary_properties", "setuid"}), 0);
  EXPECT_TRUE(
      lists(at(event, {"process", "binary_properties", "privileges_changed"}), "PRIVILEGES_RAISED_EXEC_FILE_SETUID"));
  EXPECT_TRUE(lists(at(event, {"process", "trigon", "flags"}), "secureexec"));
}

TEST_F(Process, SetgidProgram) {
  RUN_TRIGGER(done, {"setuid_exec", "setgid"});
  const Json truth = done.fact("self");
  if (truth.at("secure") == 0) GTEST_SKIP() << "the temporary folder is mounted nosuid";
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_credentials(event.at("process"), truth);
  EXPECT_TRUE(
      lists(at(event, {"process", "binary_properties", "privileges_changed"}), "PRIVILEGES_RAISED_EXEC_FILE_SETGID"));
}

TEST_F(Process, FileCapabilities) {
  RUN_TRIGGER(done, {"setuid_exec", "filecap"});
  const Json truth = done.fact("self");
  if (truth.at("cap_effective") == 0) GTEST_SKIP() << "file capabilities have no effect here";
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_credentials(event.at("process"), truth);
  EXPECT_EQ(at(event, {"process", "cap", "effective"}), Json({"CAP_NET_RAW"}));
  EXPECT_TRUE(
      lists(at(event, {"process", "binary_properties", "privileges_changed"}), "PRIVILEGES_RAISED_EXEC_FILE_CAP"));
}

TEST_F(Process, AnOrdinaryUserRaisesNothing) {
  RUN_TRIGGER(done, {"setuid_exec", "plain"});
  const Json truth = done.fact("self");
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_credentials(event.at("process"), truth);
  EXPECT_EQ(at(event, {"process", "uid"}), 65534);
  EXPECT_FALSE(event.at("process").contains("binary_properties"));
}

void expect_namespaces(const Json& process, const Json& truth) {
  for (const char* name : {"uts", "ipc", "mnt", "pid", "net", "time", "cgroup", "user"}) {
    const Json inum = at(process, {"ns", name, "inum"});
    const Json expected = truth.value(std::string("nsid_") + name, Json());
    EXPECT_EQ(inum, expected) << name;
  }
}

TEST_F(Process, Namespaces) {
  RUN_TRIGGER(done, {"self"});
  const Json truth = done.fact("self");
  const Json event = events().exec(done.pid);
  ASSERT_FALSE(event.is_null());
  expect_namespaces(event.at("process"), truth);
  // The initial ones have fixed numbers (include/linux/proc_ns.h).
  for (const auto& [name, number] : {std::pair{"uts", 0xEFFFFFFEu}, {"user", 0xEFFFFFFDu}, {"pid", 0xEFFFFFFCu}}) {
    if (truth.at(std::string("nsid_") + name) != number) continue;
    EXPECT_EQ(at(event, {"process", "ns", name, "is_host"}), true) << name;
  }
}

TEST_F(Process, InNewNamespaces) {
  RUN_TRIGGER(done, {"clone_ns", "pid", "uts", "ipc"});
  const Json truth = done.fact("self");
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_namespaces(event.at("process"), truth);
  EXPECT_EQ(at(event, {"process", "trigon", "pid_in_ns"}), 1);
  EXPECT_EQ(at(event, {"process", "ns", "uts", "is_host"}), Json());
  EXPECT_EQ(at(event, {"process", "ns", "pid", "is_host"}), Json());
  EXPECT_EQ(at(event, {"parent", "pid"}), done.pid);
}

TEST_F(Process, InANewUserNamespace) {
  RUN_TRIGGER(done, {"clone_ns", "user"});
  const Json truth = done.fact("self");
  const Json event = events().exec(truth.at("pid"));
  ASSERT_FALSE(event.is_null());
  expect_namespaces(event.at("process"), truth);
  EXPECT_EQ(at(event, {"process", "process_credentials", "user_ns", "level"}), 1);
}

TEST_F(Process, Cgroup) {
  RUN_TRIGGER(done, {"cgroup_exec", "/trigon_trigger/inner"});
  const Json truth = done.fact("cgroup");
  const Json event = events().exec(done.fact("self").at("pid"));
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "trigon", "cgroup", "id"}), std::to_string(truth.at("id").get<uint64_t>()));
  EXPECT_EQ(text_at(event, {"process", "trigon", "cgroup", "path"}), truth.at("path"));
}

TEST_F(Process, Containers) {
  const std::string id = "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9011223344556";
  const std::string pod = "pod12345678-90ab-cdef-1234-567890abcdef", pod_ = "pod12345678_90ab_cdef_1234_567890abcdef";
  const std::pair<std::string, std::string> shapes[] = {
      {"/docker/" + id, "docker"},
      {"/system.slice/docker-" + id + ".scope", "docker"},
      {"/kubepods/burstable/" + pod + "/" + id, "containerd"},
      {"/kubepods.slice/kubepods-" + pod_ + ".slice/cri-containerd-" + id + ".scope", "containerd"},
      {"/kubepods.slice/kubepods-" + pod_ + ".slice/crio-" + id + ".scope", "crio"},
      {"/libpod_parent/libpod-" + id, "podman"},
      {"/machine.slice/libpod-" + id + ".scope", "podman"}};
  for (const auto& [path, runtime] : shapes) {
    RUN_TRIGGER(done, {"cgroup_exec", path});
    const Json event = events().exec(done.fact("self").at("pid"));
    ASSERT_FALSE(event.is_null()) << path;
    EXPECT_EQ(text_at(event, {"process", "docker"}), id.substr(0, 31)) << path;
    EXPECT_EQ(text_at(event, {"process", "trigon", "container", "id"}), id) << path;
  }
}

class Snapshot : public HostTest {};

TEST_F(Snapshot, KnowsWhoRanBefore) {
  CommandOptions options;
  options.hold_input = true;
  Command before({trigger("self"), "--pause", "early bird"}, options);
  ASSERT_TRUE(before.read_until([&] { return before.out().find('\n') != std::string::npos; }, Seconds(patience(10))));
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  before.close_input();
  const Finished done = before.wait();
  ASSERT_TRUE(agent.sync());
  EXPECT_TRUE(agent.events().execs(done.pid).empty());
  const Json exit = agent.events().exit(done.pid);
  ASSERT_FALSE(exit.is_null());
  const Json truth = done.fact("self");
  EXPECT_EQ(text_at(exit, {"process", "binary"}), truth.at("exe"));
  EXPECT_EQ(text_at(exit, {"process", "arguments"}), "--pause \"early bird\"");
  EXPECT_EQ(text_at(exit, {"process", "cwd"}), truth.at("cwd"));
  EXPECT_TRUE(has_word(text_at(exit, {"process", "flags"}), "procFS"));
  EXPECT_EQ(at(exit, {"parent", "pid"}), ::getpid());
  EXPECT_EQ(text_at(exit, {"parent", "binary"}), this_binary());
  // Born when it started, to the clock tick.
  const std::string id = base64_decode(text_at(exit, {"process", "exec_id"}));
  const size_t last = id.rfind(':'), middle = id.rfind(':', last - 1);
  const uint64_t tick = 1'000'000'000 / truth.at("ticks_per_second").get<uint64_t>();
  EXPECT_EQ(std::stoull(id.substr(middle + 1)) / tick, truth.at("start_ticks").get<uint64_t>()) << id;
}

TEST_F(Snapshot, MissesNobodyWhileItStarts) {
  // Processes come and go while the agent starts: each that ends afterwards is known, with its name.
  Command storm({trigger("spawn_storm"), is_emulated() ? "1500" : "20000", trigger("noop")});
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  ASSERT_TRUE(agent.sync());
  storm.send(SIGKILL);
  storm.wait();
  ASSERT_TRUE(agent.sync());
  size_t seen = 0;
  for (const Json& exit : agent.events().of_kind("process_exit")) {
    if (at(exit, {"parent", "pid"}) != storm.pid()) continue;
    ++seen;
    EXPECT_FALSE(has_word(text_at(exit, {"process", "flags"}), "unknown")) << exit.dump();
    if (!text_at(exit, {"signal"}).empty()) continue;
    EXPECT_EQ(text_at(exit, {"process", "binary"}), trigger("noop"));
  }
  EXPECT_GT(seen, 0u);
  const Finished done = agent.stop();
  EXPECT_EQ(done.exit_code, 0);
}

}  // namespace
}  // namespace trigon::host
