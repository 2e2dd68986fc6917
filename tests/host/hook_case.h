// HookCase: a hook, a policy that must get its event and one that must not. Many of them share an agent and one run of
// the trigger `objects`: what costs is starting, above all in an emulated guest.
#pragma once

#include <functional>
#include <iosfwd>

#include "fixture.h"

namespace trigon::host {

struct HookCase {
  std::string name;                    // of the test
  std::string needs;                   // features of `trigon doctor`, any of which will do
  std::string section;                 // of the policy: kprobes, lsmhooks, …
  std::vector<std::string> functions;  // the first that this kernel has stands for @ in `hook`; none: no function
  std::string hook;                    // the entry without its selectors, in flow style
  std::string match;                   // the selector of the policy that must get the event
  std::string other;                   // and of the one that must not
  std::string operation;               // of the trigger
  std::function<void(const Json& event, const Finished& done)> check;  // of the event
  bool any_process = false;  // else it is the trigger's, and the selectors are for it alone
  bool many = false;         // more than one event is right, the first is checked
};
void PrintTo(const HookCase& hook, std::ostream* out);

// "kprobe: not built (CONFIG_KPROBES)" when the running kernel has none of these features; empty: it has one.
std::string why_not_here(const std::string& features);
// The first of these functions that the running kernel has.
std::string first_function(const std::vector<std::string>& functions);
// "-rw-r-----" of st_mode.
std::string permission(unsigned mode);
// A policy with one section whose entries are in flow style.
std::string flow_policy(const std::string& name, const std::string& section, const std::string& entry,
                        const std::string& options = "");
// What the agent said of a policy that is not in force.
std::string failure_of(const Agent& agent, const std::string& policy);

// The policies of those cases of the running suite that gtest has selected, and what came of them.
class HookCaseTest : public HostTest, public ::testing::WithParamInterface<HookCase> {
 protected:
  static void start_cases(const std::vector<HookCase>& cases);
  static void TearDownTestSuite();
  void SetUp() override;
  void check_case();

  static Agent& agent() { return *agent_; }

 private:
  static inline std::unique_ptr<Folder> folder_;
  static inline std::unique_ptr<Agent> agent_;
  static inline Finished done_;
};

}  // namespace trigon::host
