#include "policy/compile.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/policy/ir_builder.h"
#include "tests/unit/policy/table_interpreter.h"

namespace trigon::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint16_t kOpenat = 257;

CompiledSet compiled(const std::vector<Policy>& policies, uint32_t generation = 1, const CompileState& state = {},
                     const CompileOptions& options = {}) {
  auto set = compile(policies, generation, state, options);
  EXPECT_TRUE(set.ok()) << (set.ok() ? "" : set.error().message());
  return set.ok() ? std::move(*set) : CompiledSet();
}

std::string refusal(const std::vector<Policy>& policies, const CompileState& state = {}) {
  const auto set = compile(policies, 1, state);
  EXPECT_FALSE(set.ok());
  return set.ok() ? "" : set.error().message();
}

TestEvent open_of(const std::string& path) {
  TestEvent event;
  event.number = kOpenat;
  event.values[arg_key(1)].bytes = path;
  event.binaries[0].path = "/usr/bin/cat";
  return event;
}

std::vector<std::string> winners(const CompiledSet& set, const TestEvent& event) {
  std::vector<std::string> names;
  for (const SelectorRef& ref : TableInterpreter(set).matches(event)) names.push_back(ref.spec->policy);
  return names;
}

Policy open_policy(const std::string& name, std::vector<Selector> selectors = {Selector{}}) {
  return make_policy(name, {syscall_hook(kOpenat, {text_arg(1)}, std::move(selectors))});
}
Policy file_policy(const std::string& name, std::vector<Arg> args) {
  return make_policy(name, {lsm_hook("file_open", std::move(args))});
}
const HookPoint& file_open() {
  static const HookPoint point = lsm_hook("file_open", {}).point;
  return point;
}

TEST(Compile, KillsOpenOfOnePath) {
  Selector selector = where(0, strings(Match::kExact, {"/etc/shadow"}));
  selector.actions.signal = 9;
  selector.actions.is_sigkill = true;
  const auto set = compiled({open_policy("kill", {selector})});
  ASSERT_EQ(set.hook_tables.size(), 1u);
  const uint16_t slot = set.hook_tables.begin()->first;
  EXPECT_EQ(set.syscalls[kOpenat], slot + 1);
  EXPECT_EQ(set.syscalls[TRIGON_ABI_X32 * TRIGON_MAX_SYSCALLS + kOpenat], slot + 1);
  EXPECT_EQ(set.syscalls[TRIGON_ABI_COMPAT32 * TRIGON_MAX_SYSCALLS + 295], 0);
  const trigon_hook& hook = set.hook_tables.at(slot);
  EXPECT_EQ(hook.fields, 1);
  EXPECT_EQ(hook.field[0].type, TRIGON_ARG_STRING);
  EXPECT_EQ(hook.field[0].arg, 1);
  EXPECT_EQ(hook.need, 1u);
  EXPECT_EQ(hook.return_slot, 0u);
  EXPECT_EQ(hook.dims, 1);
  EXPECT_EQ(hook.dim[0].lookup, TRIGON_LOOKUP_PREFIX);
  EXPECT_EQ(hook.dim[0].dflt, 0u);
  EXPECT_EQ(set.selectors[0].actions, TRIGON_ACT_POST | TRIGON_ACT_SIGNAL);
  EXPECT_EQ(set.selectors[0].signal, 9);
  EXPECT_TRUE(set.hooks.at(slot)[0].info.is_sigkill);
  EXPECT_THAT(set.planned, IsEmpty()) << "system calls share a program";
  EXPECT_THAT(winners(set, open_of("/etc/shadow")), ElementsAre("kill"));
  EXPECT_THAT(winners(set, open_of("/etc/shadow2")), IsEmpty());
  EXPECT_THAT(winners(set, open_of("/etc/shado")), IsEmpty());
}

TEST(Compile, FirstMatchingSelectorOfAnEntryWins) {
  Selector quiet = where(0, strings(Match::kPrefix, {"/etc/ssh/"}));
  quiet.actions.post = false;
  const auto set = compiled({open_policy("first", {quiet, where(0, strings(Match::kPrefix, {"/etc/"}))})});
  auto matches = TableInterpreter(set).matches(open_of("/etc/ssh/key"));
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].info.actions, 0u);
  matches = TableInterpreter(set).matches(open_of("/etc/passwd"));
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].info.actions, TRIGON_ACT_POST);
}

TEST(Compile, PutsWhatDecidesFirst) {
  Selector selector = where(0, strings(Match::kPrefix, {"/etc"}));
  selector.args.push_back({2, mask(3), Role::kArg, 0});
  selector.pids.push_back({true, false, false, {1}});
  const auto set = compiled({make_policy(
      "order", {syscall_hook(kOpenat, {text_arg(1), make_arg(3, TRIGON_ARG_UINT32), make_arg(2, TRIGON_ARG_INT32)},
                             {selector})})});
  const trigon_hook& hook = set.hook_tables.begin()->second;
  ASSERT_EQ(hook.fields, 3);
  EXPECT_EQ(hook.field[0].arg, 2) << "a number that decides";
  EXPECT_EQ(hook.field[1].arg, 1) << "a string that decides";
  EXPECT_EQ(hook.field[2].arg, 3) << "only reported";
  EXPECT_EQ(hook.need, 3u);
  ASSERT_EQ(hook.dims, 3);
  EXPECT_EQ(hook.dim[0].source, TRIGON_SRC_PID);
  EXPECT_EQ(hook.dim[1].lookup, TRIGON_LOOKUP_MASK);
  EXPECT_EQ(hook.dim[1].mask, 3u);
  EXPECT_EQ(hook.dim[2].lookup, TRIGON_LOOKUP_PREFIX);
  const HookSpec& spec = *set.hooks.begin()->second[0].spec;
  EXPECT_EQ(spec.args[0].field, 1) << "arguments stay in the order of the file";
  EXPECT_EQ(spec.args[1].field, 2);
}

TEST(Compile, SelectorsKnowTheirEntryAndPolicy) {
  Selector one;
  one.pids.push_back({false, false, false, {1}});
  const auto set = compiled({open_policy("a", {one, {}}), open_policy("b", {one, {}})});
  ASSERT_EQ(set.selectors.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(set.selectors[i].spec_begin, i / 2 * 2);
    EXPECT_EQ(set.selectors[i].spec_end, i / 2 * 2 + 2);
    EXPECT_EQ(set.selector_policy[i], i < 2 ? "a" : "b");
    EXPECT_EQ(set.selectors[i].policy, set.state.policies.at(set.selector_policy[i]));
  }
  TestEvent event = open_of("/x");
  event.pid = 1;
  EXPECT_THAT(winners(set, event), ElementsAre("a", "b"));
}

TEST(Compile, ControlBelongsToTheParityOfTheGeneration) {
  Selector selector;
  selector.binaries.push_back({strings(Match::kExact, {"/bin/sh"}), false, false});
  selector.binaries.push_back({strings(Match::kPostfix, {"/sh"}), true, false});
  Hook hook = syscall_hook(0, {make_arg(0, TRIGON_ARG_SYSCALL)}, {selector});
  hook.args.push_back(make_arg(0, TRIGON_ARG_UINT64));
  hook.args.back().spread = 6;
  hook.kind = HookKind::kTracepoint;
  hook.raw_syscalls = true;
  for (uint32_t generation : {1u, 2u}) {
    const auto set = compiled({make_policy("raw", {hook})}, generation);
    const uint32_t own = generation & 1, other = own ^ 1;
    EXPECT_EQ(set.control.generation, generation);
    EXPECT_EQ(set.control.raw_hook[own], set.hook_tables.begin()->first + 1u);
    EXPECT_EQ(set.control.raw_hook[other], 0u);
    EXPECT_GE(set.control.path_dim[own], static_cast<uint32_t>(TRIGON_DIM_FIRST));
    EXPECT_EQ(set.control.path_dim[other], 0u);
    EXPECT_EQ(set.control.path_post[own], 3u);
    EXPECT_EQ(set.control.parents_active, 1u);
    EXPECT_EQ(set.control.changes_active, 0u);
    EXPECT_EQ(set.hook_tables.begin()->second.fields, 7);
    EXPECT_THAT(set.hooks.begin()->second[0].spec->args, SizeIs(7));
  }
}

TEST(Compile, DimensionsAreNewInEveryGeneration) {
  const std::vector<Policy> policies{open_policy("p", {where(0, strings(Match::kPrefix, {"/etc"}))})};
  const auto first = compiled(policies);
  const auto second = compiled(policies, 2, first.state);
  EXPECT_GE(second.hook_tables.begin()->second.dim[0].dim, first.state.next_dim);
}

TEST(Compile, UnreadableIsAcceptedByNegatedFiltersOnly) {
  const auto set = compiled({open_policy("yes", {where(0, strings(Match::kPrefix, {""}))}),
                             open_policy("no", {where(0, strings(Match::kPrefix, {"/etc/"}, true))})});
  TestEvent event = open_of("");
  EXPECT_THAT(winners(set, event), ElementsAre("yes", "no"));
  event.values[arg_key(1)].readable = false;
  EXPECT_THAT(winners(set, event), ElementsAre("no"));
  EXPECT_THAT(winners(set, open_of("/etc/x")), ElementsAre("yes"));
}

TEST(Compile, TriesNeverSayNobodyWithZero) {
  const auto set = compiled({open_policy("no", {where(0, strings(Match::kPrefix, {"/etc/"}, true))})});
  ASSERT_EQ(set.prefixes.size(), 1u);
  const uint32_t nobody = set.prefixes[0].second.result;
  EXPECT_NE(nobody, 0u);
  EXPECT_EQ(set.vectors[nobody].word[0], 0u);
}

TEST(Compile, LongValuesGoFromPieceToPiece) {
  const std::string deep(600, 'd'), deeper(4095, 'd');
  const auto set = compiled({open_policy("prefix", {where(0, strings(Match::kPrefix, {deep}))}),
                             open_policy("exact", {where(0, strings(Match::kExact, {deeper}))}),
                             open_policy("end", {where(0, strings(Match::kPostfix, {std::string(300, 'e')}))})});
  for (const auto& [key, value] : set.prefixes) EXPECT_LE(key.prefixlen, 32u + 8 * TRIGON_TRIE_CHUNK);
  EXPECT_THAT(winners(set, open_of(std::string(599, 'd'))), IsEmpty());
  EXPECT_THAT(winners(set, open_of(deep)), ElementsAre("prefix"));
  EXPECT_THAT(winners(set, open_of(std::string(4094, 'd'))), ElementsAre("prefix"));
  EXPECT_THAT(winners(set, open_of(deeper)), ElementsAre("prefix", "exact"));
  EXPECT_THAT(winners(set, open_of(deeper.substr(1) + "x")), ElementsAre("prefix"));
  EXPECT_THAT(winners(set, open_of("x" + std::string(300, 'e'))), ElementsAre("end"));
  EXPECT_THAT(winners(set, open_of("x" + std::string(299, 'e'))), IsEmpty());
}

TEST(Compile, NobodyCaresForMissingPartsOfASocket) {
  Predicate not_port = numbers({22}, TRIGON_PART_DPORT);
  not_port.negated = true;
  const auto set = compiled({make_policy("port", {function_hook("connect", {sock_arg(0)}, {where(0, not_port)})}),
                             make_policy("all", {function_hook("connect", {sock_arg(0)})})});
  TestEvent event;
  event.is_syscall = false;
  event.point = set.planned.at(0).point;
  event.values[arg_key(0)].parts[TRIGON_PART_DPORT] = 80;
  EXPECT_THAT(winners(set, event), ElementsAre("port", "all"));
  event.values[arg_key(0)].parts.clear();
  EXPECT_THAT(winners(set, event), ElementsAre("all"));
  event.values[arg_key(0)].readable = false;
  EXPECT_THAT(winners(set, event), ElementsAre("port", "all"));
}

TEST(Compile, ReadsArraysElementByElement) {
  Arg record = make_arg(5, TRIGON_ARG_UINT32);
  record.conf.source = TRIGON_FROM_RECORD;
  record.conf.size = 4;
  record.conf.off[0] = 24;
  record.spread = 3;
  Hook hook = function_hook("x", {record});
  hook.point.kind = HookPoint::Kind::kTracepoint;
  const auto set = compiled({make_policy("p", {hook})});
  ASSERT_EQ(set.planned[0].fields.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(set.planned[0].fields[i].off[0], 24 + 4 * i);
  EXPECT_THAT(set.hooks.begin()->second[0].spec->args, SizeIs(3));
}

// Binaries.

std::optional<FileId> two_names(const std::string& path) {
  if (path == "/usr/bin/cat" || path == "/bin/cat") return FileId{1, 7};
  return std::nullopt;
}

TEST(CompileBinaries, AreTheFileAndNotItsName) {
  Selector in, not_in;
  in.binaries.push_back({strings(Match::kExact, {"/bin/cat"}), false, false});
  not_in.binaries.push_back({strings(Match::kExact, {"/usr/bin/cat"}, true), false, false});
  Policy literal = open_policy("literal", {in});
  literal.literal_binaries = true;
  const auto set = compiled({open_policy("in", {in}), open_policy("not", {not_in}), literal}, 1, {}, {two_names});
  TestEvent event = open_of("/x");
  event.binaries[0] = {"/tmp/hard-link", {1, 7}};
  EXPECT_THAT(winners(set, event), ElementsAre("in"));
  event.binaries[0] = {"/bin/cat", {1, 8}};  // replaced since
  EXPECT_THAT(winners(set, event), ElementsAre("in", "not", "literal"));
  event.binaries[0] = {"/usr/bin/dog", {1, 9}};
  EXPECT_THAT(winners(set, event), ElementsAre("not"));
  EXPECT_EQ(set.control.file_dim[0], 0u);
  EXPECT_NE(set.control.file_dim[1], 0u);
}

TEST(CompileBinaries, AreComparedByPathAloneWhenNothingIsKnownOfTheFile) {
  Selector in;
  in.binaries.push_back({strings(Match::kExact, {"/bin/cat"}), false, false});
  const auto set = compiled({open_policy("in", {in})});
  EXPECT_EQ(set.control.file_dim[1], 0u);
  EXPECT_EQ(set.hook_tables.begin()->second.dim[0].lookup, TRIGON_LOOKUP_EQ);
}

TEST(CompileBinaries, ChildrenKeepTheirBitAndOthersDoNotGetIt) {
  const auto following = [](const std::string& path) {
    Selector selector;
    selector.binaries.push_back({strings(Match::kExact, {path}), false, true});
    return open_policy(path, {selector});
  };
  const auto first = compiled({following("/a"), following("/b")});
  const auto second = compiled({following("/b"), following("/c")}, 2, first.state);
  EXPECT_EQ(second.state.child_sets,
            (std::map<std::string, uint32_t>{{"exact\n/a", 0}, {"exact\n/b", 1}, {"exact\n/c", 2}}));
  EXPECT_NE(second.control.child_dim[0], 0u);
  TestEvent event = open_of("/x");
  event.binaries = {{"/x", {}}, {"/y", {}}, {"/c", {}}};
  EXPECT_THAT(winners(second, event), ElementsAre("/c"));

  CompileState state;
  for (uint32_t i = 0; i < TRIGON_MAX_CHILD_SETS; ++i) state.child_sets.emplace(fmt::format("{}", i), i);
  EXPECT_EQ(refusal({following("/a")}, state),
            "policy /a: more than 128 different sets of binaries with followChildren since the agent started; those of "
            "removed policies count until it is restarted");
}

// Slots.

TEST(CompileSlots, PoliciesOfAPointShareAProgram) {
  const auto set =
      compiled({file_policy("a", {path_arg(0)}), file_policy("b", {path_arg(0), make_arg(1, TRIGON_ARG_INT32)})});
  ASSERT_EQ(set.planned.size(), 1u);
  const PlannedHook& plan = set.planned[0];
  EXPECT_THAT(plan.policies, ElementsAre("a", "b"));
  EXPECT_EQ(plan.fields.size(), 2u);
  EXPECT_EQ(plan.entry_fields, 2u);
  EXPECT_EQ(plan.actions, TRIGON_ACT_POST);
  EXPECT_EQ(set.hook_tables.at(plan.slot).selectors, 2);
  EXPECT_EQ(set.hook_tables.at(plan.slot).field[0].type, TRIGON_ARG_NONE) << "the program has them in .rodata";
  EXPECT_TRUE(set.state.slots_in_use[plan.slot]);
  EXPECT_EQ(set.state.hooks.at(file_open()).slot, plan.slot);
}

TEST(CompileSlots, StayWhileTheProgramReadsEnough) {
  const Arg number = make_arg(1, TRIGON_ARG_INT32), path = path_arg(0);
  const auto first = compiled({file_policy("a", {path, number})});
  const auto fields = first.planned[0].fields;
  ASSERT_EQ(fields[0].arg, 1) << "numbers first";
  // Less is wanted, and in another order.
  Policy fewer = make_policy("b", {lsm_hook("file_open", {path}, {where(0, strings(Match::kPrefix, {"/etc"}))})});
  const auto second = compiled({fewer}, 2, first.state);
  EXPECT_EQ(second.planned[0].slot, first.planned[0].slot);
  ASSERT_EQ(second.planned[0].fields.size(), 2u);
  EXPECT_EQ(second.planned[0].fields[1].type, TRIGON_ARG_FILE);
  EXPECT_EQ(second.hooks.at(second.planned[0].slot)[0].spec->args[0].field, 1);
  EXPECT_EQ(second.hook_tables.at(second.planned[0].slot).fields, 2);
  EXPECT_EQ(second.hook_tables.at(second.planned[0].slot).need, 2u);
}

TEST(CompileSlots, ChangeWithTheProgramAndRestForAGeneration) {
  const auto first = compiled({file_policy("a", {path_arg(0)})});
  const uint16_t old_slot = first.planned[0].slot;
  const auto more = file_policy("a", {path_arg(0), make_arg(1, TRIGON_ARG_INT32)});
  const auto second = compiled({more}, 2, first.state);
  const uint16_t new_slot = second.planned[0].slot;
  EXPECT_NE(new_slot, old_slot);
  EXPECT_FALSE(second.hook_tables.contains(old_slot)) << "the old program finds nothing";
  EXPECT_FALSE(second.state.slots_in_use[old_slot]);
  EXPECT_EQ(second.state.hooks.at(file_open()).fields.size(), 2u);

  const Policy other = make_policy("other", {lsm_hook("bprm_check_security", {})});
  Policy call = open_policy("call");
  const auto third = compiled({more, other, call}, 3, second.state);
  EXPECT_EQ(third.planned.size(), 2u);
  EXPECT_TRUE(third.hook_tables.contains(old_slot)) << "free again";
  EXPECT_EQ(third.hook_tables.size(), 3u);
  EXPECT_EQ(third.state.hooks.at(file_open()).slot, new_slot);

  // Nobody wants the LSM hooks any more; the next generation's newcomer does not get their slots yet.
  const auto fourth = compiled({make_policy("new", {function_hook("do_exit", {})}), call}, 4, third.state);
  EXPECT_EQ(fourth.state.hooks.size(), 1u);
  for (const auto& [point, plan] : third.state.hooks) EXPECT_FALSE(fourth.hook_tables.contains(plan.slot));
  EXPECT_EQ(fourth.syscalls[kOpenat], third.syscalls[kOpenat]) << "system calls keep theirs";
}

TEST(CompileSlots, AProgramThatCannotDoItIsLoadedAnew) {
  const auto first = compiled({file_policy("a", {path_arg(0)})});
  Policy deny = file_policy("deny", {path_arg(0)});
  deny.hooks[0].selectors[0].actions.error = -1;
  const auto second = compiled({deny}, 2, first.state);
  EXPECT_NE(second.planned[0].slot, first.planned[0].slot);
  EXPECT_EQ(second.selectors[0].error, -1);
  Policy kill = file_policy("kill", {path_arg(0)});
  kill.hooks[0].selectors[0].actions.signal = 9;
  const auto third = compiled({deny, kill}, 3, second.state);
  EXPECT_EQ(third.planned[0].slot, second.planned[0].slot);
  EXPECT_EQ(third.planned[0].actions, TRIGON_ACT_POST | TRIGON_ACT_OVERRIDE | TRIGON_ACT_SIGNAL);
}

// These are compiled out of programs that did not need them.
TEST(CompileSlots, AProgramWithoutRatesOrTrackedSocksIsLoadedAnew) {
  const auto socks = [](const std::string& name) {
    return make_policy(name, {function_hook("tcp_connect", {sock_arg(0)})});
  };
  const auto first = compiled({socks("a")});
  Policy limited = socks("limited");
  limited.hooks[0].selectors[0].actions.rate_ns = 1;
  EXPECT_NE(compiled({socks("a"), limited}, 2, first.state).planned[0].slot, first.planned[0].slot);
  Policy tracking = socks("tracking");
  tracking.hooks[0].selectors[0].actions.track = 0;
  EXPECT_NE(compiled({socks("a"), tracking}, 2, first.state).planned[0].slot, first.planned[0].slot);
  EXPECT_EQ(compiled({socks("a"), socks("b")}, 2, first.state).planned[0].slot, first.planned[0].slot);
}

TEST(CompileSlots, DisabledPoliciesContributeNothing) {
  std::vector<Policy> policies{file_policy("on", {path_arg(0)}), open_policy("off")};
  policies[1].enabled = false;
  const auto set = compiled(policies);
  EXPECT_EQ(set.hook_tables.size(), 1u);
  EXPECT_EQ(set.syscalls[kOpenat], 0);
  EXPECT_EQ(set.selectors.size(), 1u);
  EXPECT_EQ(set.state.policies.size(), 2u) << "its mode and books stay";
}

TEST(CompileSlots, NumbersOfPoliciesRestForAGeneration) {
  const auto first = compiled({open_policy("a"), open_policy("b")});
  EXPECT_EQ(first.state.policies, (std::map<std::string, uint16_t>{{"a", 0}, {"b", 1}}));
  const auto second = compiled({open_policy("b"), open_policy("c")}, 2, first.state);
  EXPECT_EQ(second.state.policies, (std::map<std::string, uint16_t>{{"b", 1}, {"c", 2}}));
  const auto third = compiled({open_policy("b"), open_policy("c"), open_policy("d")}, 3, second.state);
  EXPECT_EQ(third.state.policies, (std::map<std::string, uint16_t>{{"b", 1}, {"c", 2}, {"d", 0}}));
  Policy spaced = open_policy("b");
  spaced.k8s_namespace = "prod";
  EXPECT_EQ(compiled({spaced}).state.policies, (std::map<std::string, uint16_t>{{"prod/b", 0}}));
}

// Return phases.

TEST(CompileReturns, HaveASlotOfTheirOwn) {
  Selector selector = where(0, strings(Match::kPrefix, {"/etc"}));
  Predicate failed;
  failed.match = Match::kRanges;
  failed.ranges = {{0, (1ULL << 63) - 1}};  // below zero
  selector.return_args.push_back({0, failed, Role::kReturn, 0});
  Selector quiet;
  quiet.actions.post = false;
  Hook hook = returning(function_hook("do_open", {path_arg(0)}, {selector, quiet}));
  hook.args.push_back(make_arg(1, TRIGON_ARG_CHAR_BUF, ValueKind::kString));
  hook.args.back().conf.flags = TRIGON_CONF_AT_RETURN;
  const auto set = compiled({make_policy("p", {hook})});
  const PlannedHook& plan = set.planned.at(0);
  EXPECT_NE(plan.slot, plan.return_slot);
  EXPECT_TRUE(set.state.slots_in_use[plan.return_slot]);
  ASSERT_EQ(plan.fields.size(), 3u);
  EXPECT_EQ(plan.entry_fields, 1u);
  EXPECT_EQ(plan.fields[1].source, TRIGON_FROM_RETURN) << "decides, and is a number";
  EXPECT_EQ(plan.fields[2].type, TRIGON_ARG_CHAR_BUF);
  const trigon_hook& entry = set.hook_tables.at(plan.slot);
  const trigon_hook& after = set.hook_tables.at(plan.return_slot);
  EXPECT_EQ(entry.return_slot, plan.return_slot + 1u);
  EXPECT_EQ(entry.fields, 1);
  EXPECT_EQ(entry.return_fields, 2u);
  EXPECT_EQ(entry.dims, 1);
  EXPECT_EQ(after.dims, 1);
  EXPECT_EQ(after.dim[0].field, 1);
  EXPECT_EQ(after.need, 2u);
  EXPECT_EQ(after.selectors, 2);
  EXPECT_EQ(set.vectors[after.all].word[0], 1u) << "the second selector is done at the entry";
  EXPECT_EQ(set.selectors[entry.sel_base].actions, TRIGON_ACT_RETURN);
  EXPECT_EQ(set.selectors[entry.sel_base + 1].actions, 0u);
  EXPECT_EQ(set.selectors[after.sel_base].actions, TRIGON_ACT_POST);
  EXPECT_THAT(set.hooks.at(plan.return_slot), SizeIs(2));
  EXPECT_EQ(set.hooks.at(plan.slot)[0].spec->returns.at(0).field, 1);
  EXPECT_FALSE(set.syscall_returns);

  // Later generations keep both.
  const auto next = compiled({make_policy("p", {hook})}, 2, set.state);
  EXPECT_EQ(next.planned[0].slot, plan.slot);
  EXPECT_EQ(next.planned[0].return_slot, plan.return_slot);
}

TEST(CompileReturns, OfSystemCallsTakeTheirFieldsFromTheTable) {
  const auto set = compiled({make_policy("p", {returning(syscall_hook(kOpenat, {text_arg(1)}))}), open_policy("q")});
  EXPECT_TRUE(set.syscall_returns);
  const trigon_hook& entry = set.hook_tables.at(static_cast<uint16_t>(set.syscalls[kOpenat] - 1));
  ASSERT_NE(entry.return_slot, 0u);
  const trigon_hook& after = set.hook_tables.at(static_cast<uint16_t>(entry.return_slot - 1));
  for (const trigon_hook* table : {&entry, &after}) {
    EXPECT_EQ(table->fields, 1);
    EXPECT_EQ(table->return_fields, 1u);
    EXPECT_EQ(table->field[0].type, TRIGON_ARG_STRING);
    EXPECT_EQ(table->field[1].flags, TRIGON_CONF_AT_RETURN | TRIGON_CONF_RESULT);
  }
  EXPECT_EQ(set.selectors[entry.sel_base].actions, TRIGON_ACT_RETURN);
  EXPECT_EQ(set.selectors[entry.sel_base + 1].actions, TRIGON_ACT_POST) << "q does not wait";
  EXPECT_EQ(set.vectors[after.all].word[0], 1u);
}

struct ReturnCase {
  std::string name;
  Actions entry, after;
  uint32_t entry_flags, after_flags;
};

TEST(CompileReturns, DivideWhatIsDone) {
  const auto with = [](auto change) {
    Actions actions;
    change(actions);
    return actions;
  };
  const Actions plain, quiet = with([](Actions&a) { a.post = false; });
  const std::vector<ReturnCase> cases{
      {"post", plain, plain, TRIGON_ACT_RETURN, TRIGON_ACT_POST},
      {"NoPost at entry", quiet, plain, 0, 0},
      {"NoPost at return", plain, quiet, 0, 0},
      {"signal at entry", with([](Actions& a) { a.signal = 9; }), plain, TRIGON_ACT_SIGNAL | TRIGON_ACT_RETURN,
       TRIGON_ACT_POST},
      {"signal at return, no post", quiet, with([](Actions& a) { a.signal = 9; }), TRIGON_ACT_RETURN,
       TRIGON_ACT_SIGNAL},
      {"rate at entry", with([](Actions& a) { a.rate_ns = 5; }), plain, TRIGON_ACT_RETURN,
       TRIGON_ACT_POST | TRIGON_ACT_RATE},
      {"stacks are of the entry", with([](Actions& a) { a.kernel_stack = true; }),
       with([](Actions& a) { a.user_stack = true; }), TRIGON_ACT_RETURN | TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK,
       TRIGON_ACT_POST},
      {"no stack without an event", with([](Actions& a) { a.kernel_stack = true, a.post = false; }), plain, 0, 0},
      {"URL", with([](Actions& a) { a.user = {{}}, a.post = false; }), plain, TRIGON_ACT_RETURN, TRIGON_ACT_USER},
      {"override", with([](Actions& a) { a.error = -1; }), plain, TRIGON_ACT_OVERRIDE | TRIGON_ACT_RETURN,
       TRIGON_ACT_POST},
  };
  for (const ReturnCase& c : cases) {
    Selector selector;
    selector.actions = c.entry;
    selector.return_actions = c.after;
    const auto set = compiled({make_policy("p", {returning(function_hook("f", {}, {selector}))})});
    const PlannedHook& plan = set.planned.at(0);
    EXPECT_EQ(set.selectors[set.hook_tables.at(plan.slot).sel_base].actions, c.entry_flags) << c.name;
    EXPECT_EQ(set.selectors[set.hook_tables.at(plan.return_slot).sel_base].actions, c.after_flags) << c.name;
    EXPECT_EQ(set.hooks.at(plan.slot)[0].info.actions, c.entry_flags) << c.name;
    EXPECT_EQ(set.hooks.at(plan.slot)[0].info.return_actions, c.after_flags) << c.name;
  }
}

// Actions.

trigon_selector acting(Hook hook, const Actions& actions) {
  hook.selectors[0].actions = actions;
  return compiled({make_policy("p", {std::move(hook)})}).selectors.at(0);
}

TEST(CompileActions, NameFieldsAndArguments) {
  Actions actions;
  actions.track = 1;
  trigon_selector meta = acting(function_hook("f", {path_arg(3), sock_arg(4), make_arg(1, TRIGON_ARG_INT32)}), actions);
  EXPECT_EQ(meta.actions, TRIGON_ACT_POST | TRIGON_ACT_TRACK);
  EXPECT_EQ(meta.arg, 2) << "the field, behind the number and the path";
  actions = {};
  actions.set_arg = 1;
  actions.set_value = -5;
  meta = acting(function_hook("f", {make_arg(3, TRIGON_ARG_INT32), make_arg(2, TRIGON_ARG_UINT64)}), actions);
  EXPECT_EQ(meta.actions, TRIGON_ACT_POST | TRIGON_ACT_SET);
  EXPECT_EQ(meta.arg, 2) << "the argument";
  EXPECT_EQ(meta.value, 0xfffffffbU);
  actions = {};
  actions.rate_ns = 7;
  actions.rate_scope = TRIGON_RATE_GLOBAL;
  meta = acting(function_hook("f", {}), actions);
  EXPECT_EQ(meta.actions, TRIGON_ACT_POST | TRIGON_ACT_RATE);
  EXPECT_EQ(meta.rate_ns, 7u);
  EXPECT_EQ(meta.rate_scope, TRIGON_RATE_GLOBAL);
  actions = {};
  actions.post = false;
  actions.notify = true;
  actions.notify_error = -13;
  actions.notify_signal = 9;
  meta = acting(function_hook("f", {}), actions);
  EXPECT_EQ(meta.actions, TRIGON_ACT_NOTIFY);
  EXPECT_EQ(meta.error, -13);
  EXPECT_EQ(meta.signal, 9);
  Hook enforcer = function_hook("f", {});
  enforcer.enforcer = true;
  actions = {};
  actions.post = false;
  EXPECT_EQ(acting(enforcer, actions).actions, TRIGON_ACT_ENFORCER);
}

TEST(CompileActions, ReadTheFileWhoseHashIsWanted) {
  Actions actions;
  actions.ima = true;
  Hook hook = lsm_hook("bprm_check_security", {make_arg(1, TRIGON_ARG_INT32)});
  hook.selectors[0].actions = actions;
  const auto set = compiled({make_policy("p", {hook})});
  ASSERT_EQ(set.planned[0].fields.size(), 2u);
  EXPECT_EQ(set.planned[0].fields[set.selectors[0].arg].type, TRIGON_ARG_BINPRM);
  EXPECT_THAT(set.hooks.begin()->second[0].spec->args, SizeIs(1)) << "not reported";
  hook = lsm_hook("file_open", {make_arg(1, TRIGON_ARG_INT32), path_arg(0)});
  EXPECT_EQ(acting(hook, actions).arg, 1);
}

TEST(CompileActions, ThatExcludeOneAnotherAreNamed) {
  Hook hook = function_hook("f", {sock_arg(0)});
  hook.selectors[0].actions.signal = 15;
  hook.selectors[0].actions.notify = true;
  hook.selectors[0].actions.notify_signal = 9;
  EXPECT_EQ(
      refusal({make_policy("p", {hook})}),
      "policy p: f: a selector has Signal and NotifyEnforcer with different signals; put them into two selectors");
}

// Workloads.

Workload only(const std::string& container) {
  Workload out;
  LabelRequirement name;
  name.key = "name";
  name.values = {container};
  out.containers = {name};
  return out;
}

TEST(CompileWorkloads, AskTheEngineOnceForEach) {
  Policy web = open_policy("web"), both = open_policy("both"), prod = open_policy("prod"), all = open_policy("all");
  web.workload = only("web");
  both.workload = only("web");
  both.hooks[0].selectors[0].workload = only("db");
  prod.k8s_namespace = "prod";
  const auto set = std::make_shared<CompiledSet>(compiled({web, both, prod, all}));
  ASSERT_EQ(set->workload_filters.size(), 3u) << "web, db, anything in prod";
  ASSERT_EQ(set->workload_dims.size(), 1u);
  const trigon_dim& dim = set->hook_tables.begin()->second.dim[0];
  EXPECT_EQ(dim.source, TRIGON_SRC_WORKLOAD);
  EXPECT_EQ(dim.dim, set->workload_dims[0].dim);
  EXPECT_EQ(set->vectors[dim.dflt].word[0], 8u) << "who does not ask";

  WorkloadVectors vectors(set);
  EXPECT_EQ(vectors.number(0, {false, false, false}), dim.dflt) << "known already";
  EXPECT_THAT(vectors.added(), IsEmpty());
  const auto first = vectors.number(0, {true, false, false});
  EXPECT_EQ(first, set->vectors.size());
  EXPECT_EQ(vectors.added().at(0).word[0], 8u | 1u);
  EXPECT_EQ(vectors.number(0, {true, false, false}), first);
  EXPECT_EQ(vectors.number(0, {true, true, true}), set->hook_tables.begin()->second.all);
  EXPECT_EQ(vectors.number(0, {false, true, true}), *first + 1);
  EXPECT_EQ(vectors.added().at(1).word[0], 8u | 4u);
  set->vectors.resize(TRIGON_MAX_VECTORS);
  EXPECT_EQ(WorkloadVectors(set).number(0, {false, false, true}), std::nullopt);
}

// Sizes. Everything that exceeds a limit names the policy that does.

TEST(CompileLimits, AThousandPoliciesOnOneHook) {
  std::vector<Policy> policies;
  for (int i = 0; i < 1000; ++i) {
    Selector selector = where(0, strings(Match::kPrefix, {fmt::format("/data/{}/", i)}));
    selector.args.push_back({1, numbers({static_cast<uint64_t>(i)}, TRIGON_PART_DPORT), Role::kArg, 0});
    selector.binaries.push_back({strings(Match::kExact, {fmt::format("/usr/bin/b{}", i)}), false, false});
    policies.push_back(make_policy(fmt::format("p{}", i), {lsm_hook("f", {path_arg(0), sock_arg(1)}, {selector})}));
  }
  const auto resolve = [](const std::string& path) { return FileId{1, std::hash<std::string>()(path)}; };
  const auto set = compiled(policies, 1, {}, {resolve});
  ASSERT_EQ(set.hook_tables.size(), 1u);
  const trigon_hook& hook = set.hook_tables.begin()->second;
  EXPECT_EQ(hook.selectors, 1000);
  EXPECT_EQ(hook.words, 16);
  EXPECT_EQ(hook.fields, 2);
  EXPECT_EQ(hook.dims, 3);
  EXPECT_EQ(set.vectors.size(), 1002u) << "one for each, nobody, all";
  EXPECT_EQ(set.prefixes.size(), 2000u);
  EXPECT_EQ(set.numbers.size(), 5000u) << "path, binary, port, and the file: as a file and in the hook";
  TestEvent event;
  event.is_syscall = false;
  event.point = set.planned[0].point;
  event.binaries[0].path = "/usr/bin/b117";
  event.values[arg_key(0)].bytes = "/data/117/x";
  event.values[arg_key(1)].parts[TRIGON_PART_DPORT] = 117;
  EXPECT_THAT(winners(set, event), ElementsAre("p117"));
}

TEST(CompileLimits, TenThousandValuesOfAnOperator) {
  std::vector<std::string> texts;
  Predicate in = numbers({}), ranges;
  ranges.match = Match::kRanges;
  for (uint64_t i = 0; i < 10000; ++i) {
    texts.push_back(fmt::format("/x/{}", i));
    in.numbers.push_back(i * 3);
    ranges.ranges.push_back({i * 8, i * 8 + 3});
  }
  Selector selector = where(0, strings(Match::kExact, texts));
  selector.args.push_back({1, in, Role::kArg, 0});
  selector.args.push_back({2, ranges, Role::kArg, 0});
  const auto set = compiled({make_policy(
      "p", {syscall_hook(kOpenat, {text_arg(1), make_arg(0, TRIGON_ARG_UINT64), make_arg(2, TRIGON_ARG_UINT64)},
                         {selector})})});
  EXPECT_EQ(set.prefixes.size(), 10000u);
  EXPECT_EQ(set.numbers.size(), 10000u);
  EXPECT_EQ(set.ranges.size(), 10000u);
  EXPECT_EQ(set.vectors.size(), 2u);
  TestEvent event = open_of("/x/9999");
  event.values[arg_key(0)].number = 29997;
  event.values[arg_key(2)].number = 79995;
  EXPECT_THAT(winners(set, event), ElementsAre("p"));
}

TEST(CompileLimits, Fields) {
  const auto with = [](const std::string& name, uint8_t type) {
    std::vector<Arg> args;
    for (uint8_t i = 0; i < 6; ++i) args.push_back(make_arg(i, type));
    return make_policy(name, {syscall_hook(kOpenat, args)});
  };
  compiled({with("a", TRIGON_ARG_INT32), with("b", TRIGON_ARG_INT64), with("c", TRIGON_ARG_INT32)});
  EXPECT_EQ(refusal({with("a", TRIGON_ARG_INT32), with("b", TRIGON_ARG_INT64), with("c", TRIGON_ARG_UINT32)}),
            "policy c: sys_257: more than 16 different values are read, counting the policies before it");
}

TEST(CompileLimits, Selectors) {
  const std::vector<Selector> many(600);
  EXPECT_EQ(refusal({open_policy("a", many), open_policy("b", many)}),
            "policy b: sys_257: more than 1024 selectors, counting the policies before it");
}

TEST(CompileLimits, LookUps) {
  Selector selector;
  for (int i = 0; i < 33; ++i) selector.args.push_back({0, mask(1ULL << i), Role::kArg, 0});
  EXPECT_EQ(refusal({make_policy("a", {syscall_hook(3, {make_arg(0, TRIGON_ARG_UINT64)}, {selector})})}),
            "policy a: sys_3: more than 32 look-ups for one event, counting the policies before it");
}

TEST(CompileLimits, Vectors) {
  // Value v is accepted by the selectors of its bits: 2^14 different sets.
  std::vector<Selector> selectors;
  for (int bit = 0; bit < 14; ++bit) {
    Predicate in = numbers({});
    for (uint64_t v = 0; v < 1 << 14; ++v) {
      if (v >> bit & 1) in.numbers.push_back(v);
    }
    selectors.push_back(where(0, in));
  }
  EXPECT_EQ(refusal({make_policy("a", {syscall_hook(3, {make_arg(0, TRIGON_ARG_UINT64)}, selectors)})}),
            "policy a: sys_3: more than 8192 different sets of selectors, counting the policies before it");
}

TEST(CompileLimits, FollowedPids) {
  const auto with = [](bool negated, uint32_t count) {
    PidFilter filter{negated, false, true, {}};
    for (uint32_t i = 1; i <= count; ++i) filter.pids.push_back(i);
    Selector selector;
    selector.pids.push_back(filter);
    return open_policy(negated ? "notin" : "in", {selector});
  };
  const auto set = compiled({with(true, 63), with(false, 63)});
  EXPECT_EQ(set.control.follow_count, 63u);
  EXPECT_EQ(set.control.follow_active, 1u);
  EXPECT_THAT(set.ranges, IsEmpty());
  EXPECT_EQ(refusal({with(true, 64)}),
            "policy notin: more than 63 different pids with followForks, counting the policies before it");
}

TEST(CompileLimits, Slots) {
  Policy policy = make_policy("calls", {});
  for (uint16_t i = 0; i < 257; ++i) policy.hooks.push_back(returning(syscall_hook(i, {})));
  EXPECT_EQ(refusal({policy}),
            "policy calls: sys_256: more than 512 hooks (one with a return counts twice), counting the policies before "
            "it and the hooks that this change gives up");
  policy.hooks.pop_back();
  compiled({policy});
}

TEST(CompileLimits, WhatASystemCallCannotCarry) {
  Hook hook = syscall_hook(3, {make_arg(0, TRIGON_ARG_UINT64)});
  hook.args[0].conf.steps = 1;
  EXPECT_EQ(refusal({make_policy("p", {hook})}),
            "policy p: sys_3: `resolve` and `source` cannot be read at a system call; hook a kernel function behind it "
            "(syscall: false)");
}

TEST(HookPoint, IsCalledAsInAFile) {
  EXPECT_EQ(describe(file_open()), "lsm/file_open");
  EXPECT_EQ(describe(function_hook("security_file_open", {}).point), "security_file_open");
  HookPoint point;
  point.kind = HookPoint::Kind::kTracepoint;
  point.subsystem = "sched";
  point.symbol = "sched_switch";
  EXPECT_EQ(describe(point), "tracepoint/sched/sched_switch");
  point = {};
  point.kind = HookPoint::Kind::kUprobe;
  point.path = "/bin/bash";
  point.symbol = "readline";
  EXPECT_EQ(describe(point), "uprobe//bin/bash:readline");
  point.offset = 16;
  EXPECT_EQ(describe(point), "uprobe//bin/bash:readline+0x10");
}

}  // namespace
}  // namespace trigon::policy
