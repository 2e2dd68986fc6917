#include "process/tree.h"

#include <gtest/gtest.h>

#include <variant>

#include "tests/unit/event/record_builder.h"

namespace trigon::process {
namespace {

using test::Bytes;
using test::ExecSpec;

constexpr uint64_t kSecond = 1'000'000'000;

template <typename T>
T decoded(const Bytes& bytes) {
  event::Event event;
  EXPECT_EQ(event::decode(bytes.data(), bytes.size, &event), event::DecodeError::kNone);
  return std::get<T>(event);
}

class TreeTest : public ::testing::Test {
 protected:
  Ref<Process> snapshot(ExecSpec spec, bool approximate = false) {
    spec.kind = TRIGON_REC_SNAPSHOT;
    const Bytes bytes = test::make_exec(spec);
    return tree_.snapshot(decoded<event::Exec>(bytes), test::vector_of(spec.args), approximate);
  }
  Ref<Process> fork(uint32_t pid, uint64_t start, uint32_t parent, uint64_t parent_start) {
    const Bytes bytes = test::make_fork(pid, start, parent, parent_start);
    return tree_.fork(decoded<event::Fork>(bytes));
  }
  Ref<Process> exec(const ExecSpec& spec) {
    const Bytes bytes = test::make_exec(spec);
    Ref<Process> process = tree_.exec(decoded<event::Exec>(bytes), &data_);
    args_ = data_.args;
    return process;
  }
  Ref<Process> exit(uint32_t pid, uint64_t start, uint64_t time) {
    const Bytes bytes = test::make_exit(pid, start, time);
    return tree_.exit(decoded<event::Exit>(bytes));
  }
  void SetUp() override {
    snapshot({.pid = 1, .start_ns = 10, .time_ns = 50, .parent_pid = 0, .parent_start_ns = 0, .exe = "/sbin/init"});
  }

  ProcessTree tree_;
  ExecData data_;
  std::string args_;
};

TEST_F(TreeTest, ForkExecExit) {
  const auto child = fork(100, 1000, 1, 10);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->flags, kProcessClone);
  EXPECT_EQ(child->image->binary(), "/sbin/init");  // shared until the exec
  EXPECT_EQ(child->birth_ns, 1000u);
  const auto process = exec({.pid = 100, .time_ns = 2000, .args = {"true", "x"}});
  EXPECT_EQ(process->flags, kProcessExec | kProcessClone);
  EXPECT_EQ(process->birth_ns, 2000u);
  EXPECT_EQ(process->image->binary(), "/usr/bin/true");
  EXPECT_EQ(process->parent->pid, 1u);
  EXPECT_EQ(args_, test::vector_of({"true", "x"}));
  EXPECT_EQ(exit(100, 1000, 3000).get(), process.get());
  EXPECT_TRUE(process->has(kProcessExited));
  EXPECT_EQ(tree_.counters().unknown, 0u);
}

TEST_F(TreeTest, IdleTaskIsThere) {
  const Process* init = tree_.find(1, 10);
  ASSERT_NE(init, nullptr);
  ASSERT_TRUE(init->parent);
  EXPECT_EQ(init->parent->image->binary(), "<kernel>");
  const auto kthreadd = snapshot({.pid = 2,
                                  .start_ns = 11,
                                  .parent_pid = 0,
                                  .parent_start_ns = 7,
                                  .exe = "",
                                  .args = {},
                                  .filename = "kthreadd",
                                  .kernel_flags = 0x00200000});
  EXPECT_EQ(kthreadd->image->binary(), "[kthreadd]");
  EXPECT_EQ(kthreadd->parent.get(), init->parent.get());
}

TEST_F(TreeTest, SecondExecHasTheImageBeforeAsItsParent) {
  fork(100, 1000, 1, 10);
  const auto shell = exec({.pid = 100, .time_ns = 2000, .exe = "/bin/sh"});
  const auto tool = exec({.pid = 100, .time_ns = 3000, .exe = "/bin/tool"});
  EXPECT_EQ(tool->flags, static_cast<uint32_t>(kProcessExec));
  EXPECT_EQ(tool->parent.get(), shell.get());
  EXPECT_TRUE(shell->has(kProcessReplaced));
  EXPECT_EQ(tree_.find(100), tool.get());
  EXPECT_EQ(tool->parent->parent->pid, 1u);
}

TEST_F(TreeTest, ExecLoopDoesNotGrow) {
  fork(100, 1000, 1, 10);
  for (int i = 0; i < 1000; ++i) exec({.pid = 100, .time_ns = 2000u + static_cast<uint64_t>(i)});
  EXPECT_LT(tree_.counters().entries, 25u);
  const auto ancestors = ProcessTree::ancestors(*tree_.find(100));
  EXPECT_EQ(ancestors.back()->pid, 0u);
}

TEST_F(TreeTest, DoubleForkKeepsTheRealParent) {
  fork(100, 1000, 1, 10);
  exec({.pid = 100, .time_ns = 1100, .exe = "/bin/daemon"});
  fork(101, 1200, 100, 1000);
  fork(102, 1300, 101, 1200);
  exit(101, 1200, 1400);  // 102 is init's child now
  exit(100, 1000, 1500);
  tree_.expire(1500 + 100 * kSecond);
  const auto daemon = exec({.pid = 102,
                            .start_ns = 1300,
                            .time_ns = 1600 + 100 * kSecond,
                            .parent_pid = 1,
                            .parent_start_ns = 10,
                            .exe = "/bin/worker"});
  ASSERT_TRUE(daemon->parent);
  EXPECT_EQ(daemon->parent->pid, 101u);  // at creation, not at exec
  EXPECT_EQ(daemon->parent->parent->pid, 100u);
  EXPECT_EQ(daemon->parent->parent->image->binary(), "/bin/daemon");
  EXPECT_EQ(tree_.find(101), nullptr);  // no longer in the table, but kept by its child
}

TEST_F(TreeTest, ThreadExecKeepsTheKey) {
  fork(100, 1000, 1, 10);
  exec({.pid = 100, .time_ns = 2000, .exe = "/bin/a"});
  auto builder = test::exec_builder({.pid = 100, .time_ns = 3000, .exe = "/bin/b", .flags = TRIGON_EXEC_BY_THREAD});
  builder.fixed.old_tid = 107;
  const Bytes bytes = builder.build();
  const auto process = tree_.exec(decoded<event::Exec>(bytes), &data_);
  EXPECT_EQ(tree_.find(100, 1000), process.get());
  EXPECT_EQ(process->parent->image->binary(), "/bin/a");
}

TEST_F(TreeTest, VforkedChildExecsWhileItsParentWaits) {
  fork(100, 1000, 1, 10);
  fork(101, 1100, 100, 1000);
  const auto child = exec({.pid = 101, .start_ns = 1100, .time_ns = 1200, .parent_pid = 100, .parent_start_ns = 1000});
  EXPECT_EQ(child->parent->pid, 100u);
  EXPECT_EQ(tree_.find(100)->image->binary(), "/sbin/init");
}

TEST_F(TreeTest, ReusedPidIsAnotherProcess) {
  fork(100, 1000, 1, 10);
  const auto first = exec({.pid = 100, .time_ns = 1100, .exe = "/bin/first"});
  exit(100, 1000, 1200);
  fork(100, 5000, 1, 10);
  const auto second = exec({.pid = 100, .start_ns = 5000, .time_ns = 5100, .exe = "/bin/second"});
  EXPECT_EQ(tree_.find(100, 1000), first.get());
  EXPECT_EQ(tree_.find(100, 5000), second.get());
  EXPECT_EQ(tree_.find(100), second.get());
  EXPECT_EQ(second->flags, kProcessExec | kProcessClone);
  EXPECT_EQ(tree_.counters().reused_pids, 0u);
}

TEST_F(TreeTest, ReusedPidEndsAProcessWhoseExitWasLost) {
  fork(100, 1000, 1, 10);
  fork(100, 5000, 1, 10);
  EXPECT_EQ(tree_.counters().reused_pids, 1u);
  EXPECT_TRUE(tree_.find(100, 1000)->has(kProcessExited));
}

TEST_F(TreeTest, DuplicateForkIsIgnored) {
  snapshot({.pid = 100, .start_ns = 1000, .time_ns = 1500});
  EXPECT_FALSE(fork(100, 1000, 1, 10));
  EXPECT_EQ(tree_.counters().duplicates, 1u);
}

TEST_F(TreeTest, ExecThatTheSnapshotAlreadyShowed) {
  snapshot({.pid = 100, .start_ns = 1000, .time_ns = 1500});
  const auto early = exec({.pid = 100, .start_ns = 1000, .time_ns = 1400});
  EXPECT_EQ(early->flags, kProcessExec | kProcessClone);
  EXPECT_EQ(early->parent->pid, 1u);
  snapshot({.pid = 200, .start_ns = 1000, .time_ns = 1500});
  const auto late = exec({.pid = 200, .start_ns = 1000, .time_ns = 1600});
  EXPECT_EQ(late->flags, static_cast<uint32_t>(kProcessExec));
  EXPECT_EQ(late->parent->pid, 200u);
}

TEST_F(TreeTest, SnapshotFillsParentsThatComeLater) {
  const auto child = snapshot({.pid = 100, .start_ns = 1000, .parent_pid = 300, .parent_start_ns = 900});
  EXPECT_TRUE(child->parent->has(kProcessUnknown));
  snapshot({.pid = 300, .start_ns = 900, .exe = "/bin/late"});
  EXPECT_FALSE(child->parent->has(kProcessUnknown));
  EXPECT_EQ(child->parent->image->binary(), "/bin/late");
}

TEST_F(TreeTest, CircleOfParentsIsRefused) {
  snapshot({.pid = 100, .start_ns = 1000, .parent_pid = 300, .parent_start_ns = 900});
  const auto other = snapshot({.pid = 300, .start_ns = 900, .parent_pid = 100, .parent_start_ns = 1000});
  EXPECT_FALSE(other->parent);
}

TEST_F(TreeTest, ApproximateStartIsCompleted) {
  const auto process = snapshot({.pid = 100, .start_ns = 50'000'000, .time_ns = 60'000'000}, true);
  trigon_record rec{};
  rec.pid = 100;
  rec.start_ns = 57'123'456;
  EXPECT_EQ(&tree_.find_or_create(rec), process.get());
  EXPECT_EQ(process->start_ns, 57'123'456u);
  EXPECT_EQ(process->birth_ns, 50'000'000u);  // the exec id stays
  rec.start_ns = 99'000'000;
  EXPECT_TRUE(tree_.find_or_create(rec).has(kProcessUnknown));
}

TEST_F(TreeTest, UnknownProcessesGetAnEntry) {
  const auto process = exec({.pid = 500, .start_ns = 7, .parent_pid = 400, .parent_start_ns = 6});
  EXPECT_EQ(process->parent->pid, 400u);
  EXPECT_TRUE(process->parent->has(kProcessUnknown));
  EXPECT_TRUE(exit(600, 8, 9)->has(kProcessUnknown));
  EXPECT_EQ(tree_.counters().unknown, 2u);
}

TEST_F(TreeTest, DataRecordsBelongToTheNextExec) {
  const std::string args = test::vector_of({"cat", std::string(20000, 'x')});
  const Bytes bytes = test::make_data(100, 1000, TRIGON_DATA_ARGS, args);
  tree_.exec_data(decoded<event::ExecData>(bytes));
  const auto process =
      exec({.pid = 100, .args = {}, .flags = TRIGON_EXEC_ARGS_DATA, .args_size = static_cast<uint32_t>(args.size())});
  EXPECT_EQ(args_, args);
  EXPECT_FALSE(data_.args_lost);
  EXPECT_EQ(process->image->args_len, 4096u);  // what stays
  EXPECT_TRUE(process->image->args_cut());
  exec({.pid = 100, .time_ns = 9000, .args = {}, .flags = TRIGON_EXEC_ARGS_DATA, .args_size = 20000});
  EXPECT_TRUE(data_.args_lost);
}

TEST_F(TreeTest, GraceOfTheExited) {
  fork(100, 1000, 1, 10);
  exit(100, 1000, 2000);
  tree_.expire(2000 + 5 * kSecond - 1);
  EXPECT_NE(tree_.find(100, 1000), nullptr);
  EXPECT_EQ(tree_.counters().exited, 1u);
  tree_.expire(2000 + 5 * kSecond);
  EXPECT_EQ(tree_.find(100, 1000), nullptr);
  EXPECT_EQ(tree_.counters().entries, 2u);
}

TEST_F(TreeTest, InInitTreeIsInherited) {
  fork(100, 1000, 1, 10);
  const auto init = exec({.pid = 100, .time_ns = 1100, .pid_ns = 5, .ns_pid = 1});
  EXPECT_TRUE(init->has(kProcessInInit));
  EXPECT_TRUE(fork(101, 1200, 100, 1000)->has(kProcessInInit));
  EXPECT_FALSE(fork(102, 1300, 1, 10)->has(kProcessInInit));
}

TEST(TreeCap, ExitedGoFirstThenTheOldest) {
  TreeOptions options;
  options.max_entries = 10;
  ProcessTree tree(options);
  ExecData data;
  for (uint32_t pid = 100; pid < 104; ++pid) {
    const Bytes bytes = test::make_fork(pid, pid, 0, 0);
    tree.fork(decoded<event::Fork>(bytes));
  }
  for (uint32_t pid = 100; pid < 102; ++pid) {
    const Bytes bytes = test::make_exit(pid, pid, 1000);
    tree.exit(decoded<event::Exit>(bytes));
  }
  for (uint32_t pid = 200; pid < 207; ++pid) {
    const Bytes bytes = test::make_fork(pid, pid, 0, 0);
    tree.fork(decoded<event::Fork>(bytes));
  }
  EXPECT_EQ(tree.counters().evicted_exited, 2u);
  EXPECT_EQ(tree.counters().evicted_living, 0u);
  EXPECT_EQ(tree.counters().entries, 10u);
  const Bytes bytes = test::make_fork(300, 300, 206, 206);
  tree.fork(decoded<event::Fork>(bytes));
  EXPECT_EQ(tree.counters().evicted_living, 1u);
  EXPECT_LE(tree.counters().entries, 11u);
}

TEST(TreeCap, EndlessChainOfForksIsCut) {
  TreeOptions options;
  options.max_entries = 1000;
  options.grace_ns = 0;
  ProcessTree tree(options);
  Bytes bytes = test::make_fork(1, 1, 0, 0);
  tree.fork(decoded<event::Fork>(bytes));
  for (uint32_t pid = 2; pid < 20000; ++pid) {
    bytes = test::make_fork(pid, pid, pid - 1, pid - 1);
    tree.fork(decoded<event::Fork>(bytes));
    bytes = test::make_exit(pid - 1, pid - 1, pid);
    tree.exit(decoded<event::Exit>(bytes));
  }
  EXPECT_LE(tree.counters().entries, 1001u);
  EXPECT_EQ(tree.counters().evicted_living, 0u);
  EXPECT_GT(tree.counters().cut_ancestors, 0u);
  EXPECT_NE(tree.find(19999), nullptr);
}

TEST(TreeCap, TableGrowsAndKeepsTheNewestFirst) {
  ProcessTree tree;
  for (uint32_t pid = 1; pid < 5000; ++pid) {
    for (const uint64_t start : {1000u, 2000u}) {
      const Bytes bytes = test::make_fork(pid, start, 0, 0);
      tree.fork(decoded<event::Fork>(bytes));
    }
  }
  for (uint32_t pid = 1; pid < 5000; ++pid) ASSERT_EQ(tree.find(pid)->start_ns, 2000u) << pid;
}

TEST(Pending, IsBounded) {
  PendingData pending({.max_entries = 2, .max_bytes = 100});
  std::string data;
  pending.put(1, 1, TRIGON_DATA_ARGS, "a");
  pending.put(1, 1, TRIGON_DATA_ARGS, "b");  // replaces
  EXPECT_EQ(pending.bytes(), 1u);
  pending.put(2, 1, TRIGON_DATA_ARGS, "c");
  pending.put(3, 1, TRIGON_DATA_ARGS, std::string(99, 'd'));
  EXPECT_FALSE(pending.take(1, 1, TRIGON_DATA_ARGS, &data));
  EXPECT_TRUE(pending.take(3, 1, TRIGON_DATA_ARGS, &data));
  EXPECT_EQ(data.size(), 99u);
  EXPECT_EQ(pending.counters().evicted, 1u);
}

}  // namespace
}  // namespace trigon::process
