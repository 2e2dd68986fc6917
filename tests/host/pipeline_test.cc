// The books, the order, the end, and what the disk does to them.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "fixture.h"

namespace trigon::host {
namespace {

class Pipeline : public HostTest {};

std::string storm_size(int here, int emulated) { return std::to_string(is_emulated() ? emulated : here); }

#define EXPECT_BOOKS_ADD_UP(books) EXPECT_TRUE((books).add_up()) << (books).text()

TEST_F(Pipeline, TenThousandProcessesAddUp) {
  const std::string count = storm_size(10000, 1000);
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  const Finished storm = agent.run({"spawn_storm", count, trigger("noop")});
  ASSERT_EQ(agent.problem(), "");
  ASSERT_EQ(storm.exit_code, 0) << storm.err;
  size_t execs = 0, exits = 0;
  std::set<std::string> running, known;
  for (const Json& event : agent.events().all()) {
    ASSERT_FALSE(event.contains("lost_events")) << event.dump();
    const bool is_exec = event.contains("process_exec");
    if (!is_exec && !event.contains("process_exit")) continue;
    const Json& body = event.at(is_exec ? "process_exec" : "process_exit");
    if (at(body, {"parent", "pid"}) != storm.pid) continue;
    const std::string id = text_at(body, {"process", "exec_id"});
    if (is_exec) {
      ++execs;
      EXPECT_TRUE(known.insert(id).second) << "two execs of " << base64_decode(id);
      running.insert(id);
      EXPECT_EQ(text_at(body, {"process", "flags"}), "execve clone");
    } else {
      ++exits;
      EXPECT_EQ(running.erase(id), 1u) << "an end without a beginning before it: " << body.dump();
      EXPECT_FALSE(body.contains("status"));
      EXPECT_FALSE(body.contains("signal"));
    }
  }
  EXPECT_EQ(execs, std::stoul(count));
  EXPECT_EQ(exits, std::stoul(count));
  EXPECT_TRUE(running.empty());
  EXPECT_TRUE(agent.events().bad_lines().empty());
  const Finished done = agent.stop();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const Books books = agent.books();
  EXPECT_BOOKS_ADD_UP(books);
  EXPECT_EQ(books.lost, 0u) << books.text();
  EXPECT_EQ(books.dropped, 0u) << books.text();
}

// A ring that is far too small: what is lost is counted, said in the stream where it happened, and adds up.
TEST_F(Pipeline, LossIsSaidInTheStream) {
  Agent agent({"--rb-size-total", "16K"});
  ASSERT_EQ(agent.problem(), "");
  // Stopped, it cannot keep up whatever the machine does.
  agent.send(SIGSTOP);
  run({trigger("spawn_storm"), storm_size(2000, 300), trigger("noop")});
  agent.send(SIGCONT);
  ASSERT_TRUE(agent.sync()) << agent.error_text();
  // A processor that has nothing more to tell has its loss told within a second.
  ::usleep(1'500'000);
  ASSERT_TRUE(agent.sync()) << agent.error_text();
  const Finished done = agent.stop();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const Books books = agent.books();
  EXPECT_BOOKS_ADD_UP(books);
  EXPECT_GT(books.lost, 0u);
  uint64_t said = 0;
  size_t last_loss = 0;
  const auto& all = agent.events().all();
  for (size_t i = 0; i < all.size(); ++i) {
    const Json loss = at(all[i], {"lost_events"});
    if (loss.is_null()) continue;
    said += std::stoull(text_at(loss, {"count"}));
    last_loss = i;
    EXPECT_EQ(text_at(loss, {"reason"}), "ring_full");
    EXPECT_GE(time_ns(text_at(all[i], {"time"})), 0);
  }
  EXPECT_EQ(said, books.lost) << books.text();
  // In order: what happened afterwards stands behind it.
  EXPECT_LT(last_loss + 1, all.size());
  EXPECT_TRUE(agent.events().bad_lines().empty());
}

TEST_F(Pipeline, LossUnderFullSpeedAddsUp) {
  const std::string policy = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: every-open}
spec:
  kprobes:
  - call: sys_openat
    args: [{index: 1, type: string}]
)";
  const std::string count = storm_size(50000, 3000);
  const Traced traced = trace({policy}, {"--rb-size-total", "64K"}, {trigger("open_storm"), "2", count, "/etc/passwd"},
                              Seconds(patience(60)));
  ASSERT_EQ(traced.finished.exit_code, 0) << traced.finished.err;
  EXPECT_BOOKS_ADD_UP(traced.books);
  uint64_t opens = 0, lost = 0;
  for (const Json& event : traced.events.all()) {
    if (event.contains("lost_events")) lost += std::stoull(text_at(event, {"lost_events", "count"}));
    if (text_at(event, {"process_kprobe", "policy_name"}) == "every-open") ++opens;
  }
  EXPECT_EQ(lost, traced.books.lost) << traced.books.text();
  // Loss may also be of other records, and the program opens a little more than it was asked to.
  EXPECT_GE(opens + lost, 2 * std::stoull(count));
  EXPECT_LE(opens, 2 * std::stoull(count) + 100);
}

// Times never go back within a thread, and the stream is nearly sorted: a record is reserved after its time is read.
TEST_F(Pipeline, EventsOfAProcessAreInOrder) {
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  agent.run({"spawn_storm", storm_size(500, 100), trigger("exec_args")});
  std::map<int, int64_t> last;
  for (const Json& event : agent.events().all()) {
    for (const char* kind : {"process_exec", "process_exit"}) {
      if (!event.contains(kind)) continue;
      int64_t& before = last[event.at(kind).at("process").at("pid").get<int>()];
      const int64_t now = time_ns(text_at(event, {"time"}));
      EXPECT_GE(now, before) << event.dump();
      before = now;
    }
  }
}

TEST_F(Pipeline, TerminationDrainsEverything) {
  const std::string count = storm_size(2000, 200);
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  const Finished storm = run({trigger("spawn_storm"), count, trigger("noop")});
  // At once: what is still in the ring must be written.
  const Finished done = agent.stop();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  size_t exits = 0;
  for (const Json& exit : agent.events().of_kind("process_exit")) exits += at(exit, {"parent", "pid"}) == storm.pid;
  EXPECT_EQ(exits, std::stoul(count));
  EXPECT_EQ(agent.events().exits(storm.pid).size(), 1u);
  EXPECT_BOOKS_ADD_UP(agent.books());
  // The last line is whole.
  const std::string text = read_file(agent.folder().file("events.json"));
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(text.back(), '\n');
}

// A disk of 1 MiB in the test's own mount namespace fills up; the agent counts, lives and goes on when there is room.
TEST_F(Pipeline, FullDisk) {
  Folder folder;
  if (::mount("small", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "cannot mount a tmpfs";
  struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder.path()};
  const std::string output = folder.file("small.json"), filler = folder.write("filler", std::string(700 << 10, 'x'));
  Command agent({trigon_binary(), "agent", "--export-filename", output, "--export-file-max-size-mb", "0"});
  ASSERT_TRUE(agent.read_until([&] { return agent.err().find("ready") != std::string::npos; }, Seconds(patience(15))))
      << agent.err();
  const Finished storm = run({trigger("spawn_storm"), storm_size(2000, 600), trigger("noop")});
  agent.read_until([] { return false; }, Seconds(patience(0.5)));
  ASSERT_FALSE(agent.has_ended()) << agent.err();
  const auto full = std::filesystem::file_size(output);
  EXPECT_GT(full, 200u << 10);
  std::filesystem::remove(filler);
  const Finished last = run({trigger("noop"), "after the flood"});
  agent.read_until([&] { return std::filesystem::file_size(output) > full; }, Seconds(patience(5)));
  agent.send(SIGTERM);
  const Finished done = agent.wait(Seconds(patience(20)));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const Books books = Books::parse(done.err);
  EXPECT_BOOKS_ADD_UP(books);
  EXPECT_GT(books.dropped, 0u) << books.text();
  Events events;
  events.add_lines(read_file(output));
  EXPECT_TRUE(events.bad_lines().empty()) << events.bad_lines().front();
  EXPECT_EQ(events.exits(last.pid).size(), 1u);
  uint64_t said = 0;
  for (const Json& loss : events.of_kind("lost_events")) said += std::stoull(text_at(loss, {"count"}));
  EXPECT_EQ(said, books.dropped + books.lost) << books.text();
}

TEST_F(Pipeline, HangupOpensTheFileAgain) {
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  ASSERT_TRUE(agent.sync());
  const std::string file = agent.folder().file("events.json");
  std::filesystem::rename(file, file + ".old");
  agent.send(SIGHUP);
  pid_t pid = 0;
  Events events;
  for (int i = 0; i < 50 && events.exits(pid).empty(); ++i) {
    pid = run({trigger("noop")}).pid;
    ::usleep(100'000);
    events = Events();
    if (std::filesystem::exists(file)) events.add_lines(read_file(file));
  }
  EXPECT_EQ(events.exits(pid).size(), 1u);
  EXPECT_TRUE(agent.is_running());
}

std::string descriptors_of(pid_t pid) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fdinfo")) {
    text += read_file(entry.path()) + "\n";
  }
  return text;
}

constexpr char kOneCallPolicy[] = R"(
apiVersion: trigon.dev/v1alpha1
kind: TracingPolicy
metadata: {name: one-call}
spec:
  kprobes:
  - call: sys_getsid
)";

// No policy, no cost: the hook of all system calls is not attached.
TEST_F(Pipeline, SystemCallsAreHookedOnlyForAPolicy) {
  std::string without;
  {
    Agent agent;
    ASSERT_EQ(agent.problem(), "");
    without = descriptors_of(agent.pid());
  }
  if (without.find("sched_process_exec") == std::string::npos) GTEST_SKIP() << "this kernel does not name links";
  EXPECT_EQ(without.find("sys_enter"), std::string::npos);
  Agent agent({}, {kOneCallPolicy});
  ASSERT_EQ(agent.problem(), "");
  EXPECT_NE(descriptors_of(agent.pid()).find("sys_enter"), std::string::npos);
}

// Nothing of an agent stays in the kernel: the next one starts and sees everything once.
TEST_F(Pipeline, AgentsOneAfterAnother) {
  for (int i = 0; i < (is_emulated() ? 2 : 3); ++i) {
    Agent agent({}, {kOneCallPolicy});
    ASSERT_EQ(agent.problem(), "") << i;
    const Finished done = agent.run({"call", "124", "0"});
    EXPECT_EQ(agent.events().execs(done.pid).size(), 1u);
    EXPECT_EQ(agent.events().exits(done.pid).size(), 1u);
    EXPECT_EQ(agent.events().hooks("one-call", done.pid).size(), 1u);
    EXPECT_EQ(agent.stop().exit_code, 0);
  }
}

}  // namespace
}  // namespace trigon::host
