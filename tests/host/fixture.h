// What the suites share: a skip with its reason where nothing can run, and one agent per suite.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent.h"
#include "machine.h"

namespace trigon::host {

// A test that needs root and BPF.
class HostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_bpf(); !why.empty()) GTEST_SKIP() << why;
  }
};

// One agent for all tests of a suite: starting it is the longest part of most tests. SetUpTestSuite calls start().
class SharedAgentTest : public HostTest {
 protected:
  static void start(std::vector<std::string> args, std::vector<std::string> policies = {}) {
    if (why_no_bpf().empty()) agent_ = std::make_unique<Agent>(std::move(args), std::move(policies));
  }
  static void TearDownTestSuite() { agent_.reset(); }
  void SetUp() override {
    HostTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(agent_ != nullptr);
    ASSERT_EQ(agent_->problem(), "");
    ASSERT_TRUE(agent_->is_running()) << "the agent has ended: " << agent_->error_text();
  }
  static Agent& agent() { return *agent_; }

 private:
  static inline std::unique_ptr<Agent> agent_;
};

// Runs a trigger under the suite's agent into `finished`; skips the test when the trigger cannot work here.
#define RUN_TRIGGER(finished, ...)                                                       \
  const Finished finished = agent().run(__VA_ARGS__);                                    \
  if (const std::string why = finished.unsupported(); !why.empty()) GTEST_SKIP() << why; \
  ASSERT_EQ(agent().problem(), "");                                                      \
  ASSERT_FALSE(finished.timed_out)

// The object at a path of keys; null when a part of it is missing.
inline Json at(const Json& object, std::initializer_list<const char*> path) {
  const Json* found = &object;
  for (const char* key : path) {
    if (!found->is_object() || !found->contains(key)) return {};
    found = &(*found)[key];
  }
  return *found;
}

inline std::string text_at(const Json& object, std::initializer_list<const char*> path) {
  const Json found = at(object, path);
  return found.is_string() ? found.get<std::string>() : found.is_null() ? std::string() : found.dump();
}

// "a b c" has the word b.
inline bool has_word(const std::string& text, const std::string& word) {
  return (" " + text + " ").find(" " + word + " ") != std::string::npos;
}

inline bool lists(const Json& list, const std::string& word) {
  return list.is_array() && std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace trigon::host
