// What an operator meets: metrics, rotation, limits, ancestors, tracing beside an agent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "fixture.h"

namespace trigon::host {
namespace {

class Operation : public HostTest {};

// A port that was free a moment ago.
int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string http_get(int port, const std::string& path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char buffer[4096];
    ssize_t n = ::write(fd, request.data(), request.size());
    while (n > 0 && (n = ::read(fd, buffer, sizeof(buffer))) > 0) answer.append(buffer, static_cast<size_t>(n));
  }
  ::close(fd);
  return answer;
}

// The sum of all samples of a metric; -1 when there is none.
double metric(const std::string& text, const std::string& name) {
  double sum = 0;
  bool found = false;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    if (text.compare(at, name.size(), name) == 0 && (text[at + name.size()] == ' ' || text[at + name.size()] == '{')) {
      const size_t space = text.find(' ', text[at + name.size()] == '{' ? text.find('}', at) : at);
      sum += std::strtod(text.c_str() + space, nullptr);
      found = true;
    }
    if (text.find('\n', at) == std::string::npos) break;
  }
  return found ? sum : -1;
}

TEST_F(Operation, MetricsKeepTheBooksToo) {
  const int port = free_port();
  Agent agent({"--metrics-server", "127.0.0.1:" + std::to_string(port)});
  ASSERT_EQ(agent.problem(), "");
  agent.run({"spawn_storm", "100", trigger("noop")});
  const std::string text = http_get(port, "/metrics");
  ASSERT_NE(text.find("200"), std::string::npos) << text;
  const double produced = metric(text, "trigon_records_produced_total"),
               lost = metric(text, "trigon_records_lost_total");
  EXPECT_GE(produced, 300);
  EXPECT_EQ(lost, 0);
  // The counters are read one after another on a machine that does not stand still.
  EXPECT_NEAR(metric(text, "trigon_records_consumed_total"), produced - lost, 200);
  EXPECT_GT(metric(text, "trigon_process_tree_living"), 1);
  EXPECT_GE(metric(text, "trigon_process_tree_entries"), metric(text, "trigon_process_tree_living"));
  EXPECT_GT(metric(text, "trigon_process_tree_cap"), 0);
  EXPECT_GT(metric(text, "trigon_map_memory_bytes"), 0);
  EXPECT_EQ(agent.stop().exit_code, 0);
}

// The tree forgets what has exited, and holds its cap.
TEST_F(Operation, TheTreeStaysSmall) {
  const int port = free_port();
  Agent agent({"--metrics-server", "127.0.0.1:" + std::to_string(port), "--process-cache-size", "400"});
  ASSERT_EQ(agent.problem(), "");
  agent.run({"spawn_storm", is_emulated() ? "600" : "3000", trigger("noop")});
  const std::string text = http_get(port, "/metrics");
  EXPECT_EQ(metric(text, "trigon_process_tree_cap"), 400);
  EXPECT_LE(metric(text, "trigon_process_tree_entries"), 400);
  EXPECT_GT(metric(text, "trigon_process_tree_evicted_total"), 0);
  // A new process is complete all the same.
  const Finished done = agent.run({"self", "after all"});
  EXPECT_EQ(text_at(agent.events().exec(done.pid), {"process", "binary"}), trigger("self"));
}

TEST_F(Operation, FilesAreRotated) {
  Folder folder;
  const std::string output = folder.file("events.json");
  Command agent({trigon_binary(), "agent", "--export-filename", output, "--export-file-max-size-mb", "1",
                 "--export-file-max-backups", "2", "--export-file-perm", "640"});
  ASSERT_TRUE(agent.read_until([&] { return agent.err().find("ready") != std::string::npos; }, Seconds(patience(15))));
  run({trigger("spawn_storm"), "3000", trigger("noop")}, {}, Seconds(patience(60)));
  agent.send(SIGTERM);
  EXPECT_EQ(agent.wait(Seconds(patience(20))).exit_code, 0);
  for (const char* name : {"events.json", "events.json.1", "events.json.2"}) {
    ASSERT_TRUE(std::filesystem::exists(folder.file(name))) << name;
    EXPECT_LE(std::filesystem::file_size(folder.file(name)), (1u << 20) + (300u << 10)) << name;
    EXPECT_EQ(std::filesystem::status(folder.file(name)).permissions(), std::filesystem::perms(0640)) << name;
    Events events;
    events.add_lines(read_file(folder.file(name)));
    EXPECT_TRUE(events.bad_lines().empty()) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("events.json.3")));
}

TEST_F(Operation, AncestorsOnDemand) {
  Agent agent({"--enable-ancestors", "base"});
  ASSERT_EQ(agent.problem(), "");
  const Finished done = run({"/bin/sh", "-c", "/bin/sh -c '" + trigger("self") + "; exit 0'; exit 0"});
  ASSERT_TRUE(agent.sync());
  const Json event = agent.events().exec(done.fact("self").at("pid").get<pid_t>());
  ASSERT_FALSE(event.is_null());
  const Json ancestors = at(event, {"ancestors"});
  ASSERT_GE(ancestors.size(), 2u);
  // The parent stands for itself; the list begins with the grandparent. Every one leads to the next.
  EXPECT_EQ(at(event, {"parent", "parent_exec_id"}), at(ancestors[0], {"exec_id"}));
  bool through_us = false;
  for (size_t i = 0; i < ancestors.size(); ++i) {
    through_us = through_us || at(ancestors[i], {"pid"}) == ::getpid();
    if (i + 1 < ancestors.size()) {
      EXPECT_EQ(at(ancestors[i], {"parent_exec_id"}), at(ancestors[i + 1], {"exec_id"}));
    }
  }
  EXPECT_TRUE(through_us) << ancestors.dump();
  EXPECT_LE(ancestors.back().at("pid").get<int>(), 1) << ancestors.back().dump();
}

// In a hybrid hierarchy the controllers of version 1 know where a process belongs.
TEST_F(Operation, CgroupsOfVersionOne) {
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  const Finished done = agent.run({"cgroup_exec", "/trigon_v1/inner", "pids"});
  if (!done.unsupported().empty()) GTEST_SKIP() << done.unsupported();
  const Json event = agent.events().exec(done.fact("self").at("pid").get<pid_t>());
  ASSERT_FALSE(event.is_null());
  EXPECT_EQ(text_at(event, {"process", "trigon", "cgroup", "path"}), "/trigon_v1/inner");
  EXPECT_EQ(text_at(event, {"process", "trigon", "cgroup", "id"}),
            std::to_string(done.fact("cgroup").at("id").get<uint64_t>()));
}

TEST_F(Operation, TraceBesideAnAgent) {
  Agent agent;
  ASSERT_EQ(agent.problem(), "");
  const Finished done = run({trigon_binary(), "trace", "exec", "-o", "json", "--", trigger("self"), "seen twice"}, {},
                            Seconds(patience(60)));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  ASSERT_TRUE(agent.sync());
  const pid_t pid = done.fact("self").at("pid");
  EXPECT_EQ(agent.events().execs(pid).size(), 1u);
  EXPECT_NE(done.out.find("process_exec"), std::string::npos);
  EXPECT_EQ(agent.stop().exit_code, 0);
}

// What the doctor says of hooks is what the kernel has.
TEST_F(Operation, DoctorKnowsTheKernel) {
  const Finished done = run({trigon_binary(), "doctor", "-o", "json"}, {}, Seconds(patience(20)));
  const Json report = Json::parse(done.out, nullptr, false);
  ASSERT_TRUE(report.is_object()) << done.out;
  EXPECT_EQ(report.at("can_run"), "yes");
  const bool kprobes = std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
  size_t looked_at = 0;
  for (const Json& purpose : report.at("purposes")) {
    // What is used is there; what was passed over has a reason.
    const std::string uses = text_at(purpose, {"uses"});
    looked_at += uses == "kprobe" || uses == "fentry" || uses == "BPF LSM";
    for (const Json& hook : purpose.at("passed_over")) {
      const std::string name = hook.at("name");
      if (name != "kprobe" && name != "fentry" && name != "BPF LSM") continue;
      ++looked_at;
      EXPECT_FALSE(text_at(hook, {"why"}).empty()) << name;
      if (name == "kprobe") {
        EXPECT_EQ(hook.at("available"), kprobes) << hook.dump();
      }
      // The guests are booted with lsm=…,bpf and have everything.
      if (is_emulated()) {
        EXPECT_EQ(hook.at("available"), true) << hook.dump();
      }
    }
  }
  EXPECT_GE(looked_at, 3u);
}

}  // namespace
}  // namespace trigon::host
