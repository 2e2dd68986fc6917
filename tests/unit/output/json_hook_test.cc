// Events of hooks, kind by kind.
#include <gtest/gtest.h>

#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

using nlohmann::json;
using policy::HookKind;
using test::PipelineFixture;

constexpr uint64_t kTime = 2'000'000'000;

TEST(JsonHook, GoldenKprobe) {
  PipelineFixture fixture;
  fixture.set = test::openat_set({{0, "int", "dirfd"}, {1, "string", ""}, {2, "size_t", ""}, {3, "fd", ""}});
  fixture.feed(test::make_hook(1, 10, kTime,
                               {{.value = 0xffffff9c},
                                {.type = TRIGON_ARG_STRING, .data = "/etc/\"x\"\n"},
                                {.type = TRIGON_ARG_UINT64, .value = 18446744073709551615u},
                                {.type = TRIGON_ARG_FD, .value = 3, .data = "/tmp/a", .path_flags = 1}},
                               {1}, 1, {.flags = TRIGON_HOOK_SIGNALLED}));
  EXPECT_EQ(fixture.last(), test::golden("kprobe"));
}

TEST(JsonHook, GoldenKprobeWithEverything) {
  test::FakeResolver resolver;
  JsonOptions options;
  options.cluster_name = "east";
  options.ancestors_kprobe = true;
  options.stacks.resolver = &resolver;
  PipelineFixture fixture(options);
  fixture.feed(test::make_fork(4210, 1'000'000'000, 1, 10));
  policy::HookSpec spec;
  spec.policy = "watch-secrets";
  spec.function = "security_file_permission";
  spec.message = "secret read";
  spec.tags = {"t1"};
  spec.args = {{0, "file", "target"}, {0, "nop", ""}, {1, "int", ""}};
  spec.data = {{2, "string", "comm"}};
  spec.returns = {{3, "int", "result"}};
  fixture.set = test::set_of(
      spec, {{.actions = TRIGON_ACT_RETURN | TRIGON_ACT_OVERRIDE,
              .return_actions = TRIGON_ACT_POST | TRIGON_ACT_SIGNAL | TRIGON_ACT_KSTACK | TRIGON_ACT_USTACK,
              .return_signal = 15,
              .error = -13}});
  fixture.feed(test::make_hook(4210, 1'000'000'000, kTime,
                               {{.type = TRIGON_ARG_FILE, .data = "/etc/shadow", .size = 0100640},
                                {.value = 4},
                                {.type = TRIGON_ARG_STRING, .data = "nginx"},
                                {.value = 0xffffffff}},
                               {0}, 1,
                               {.flags = TRIGON_HOOK_RETURN | TRIGON_HOOK_OVERRIDDEN | TRIGON_HOOK_SIGNALLED,
                                .error = -13,
                                .entry_fields = 3,
                                .kernel_stack = {0x1012, 0x1},
                                .user_stack = {0x1bc0, 0x2001, 0x2}}));
  EXPECT_EQ(fixture.last(), test::golden("kprobe_full"));
  EXPECT_EQ(resolver.asked, std::make_pair(4210u, uint64_t{1'000'000'000}));
}

TEST(JsonHook, GoldenTracepoint) {
  PipelineFixture fixture;
  policy::HookSpec spec;
  spec.kind = HookKind::kTracepoint;
  spec.subsystem = "raw_syscalls";
  spec.event = "sys_enter";
  spec.policy = "all";
  spec.message = "a call";
  spec.tags = {"t1", "t2"};
  spec.args = {{0, "syscall64", ""}, {1, "nop", ""}};
  fixture.set = test::set_of(spec, {{.actions = TRIGON_ACT_POST | TRIGON_ACT_SIGNAL, .signal = 9, .is_sigkill = true}});
  fixture.feed(test::make_hook(1, 10, kTime, {{.type = TRIGON_ARG_SYSCALL, .value = 59}}, {0}, 1,
                               {.flags = TRIGON_HOOK_MONITORED}));
  EXPECT_EQ(fixture.last(), test::golden("tracepoint"));
}

TEST(JsonHook, GoldenLsm) {
  PipelineFixture fixture;
  policy::HookSpec spec;
  spec.kind = HookKind::kLsm;
  spec.function = "bprm_check_security";
  spec.policy = "p";
  spec.args = {{0, "linux_binprm", ""}};
  fixture.set = test::set_of(spec, {{.actions = TRIGON_ACT_POST | TRIGON_ACT_OVERRIDE | TRIGON_ACT_IMA, .error = -1},
                                    {.actions = TRIGON_ACT_POST}});
  const auto record = test::make_hook(1, 10, kTime, {{.type = TRIGON_ARG_BINPRM, .data = "/tmp/x", .size = 0100755}},
                                      {0}, 1, {.flags = TRIGON_HOOK_OVERRIDDEN, .error = -1, .ima = "\x04\x9f\x01"});
  fixture.feed(record);
  EXPECT_EQ(fixture.last(), test::golden("lsm"));
  // Another policy asked for the hash; this one did not.
  fixture.feed(
      test::make_hook(1, 10, kTime, {{.type = TRIGON_ARG_BINPRM, .data = "/tmp/x"}}, {1}, 1, {.ima = "\x04\x9f\x01"}));
  EXPECT_FALSE(fixture.last()["process_lsm"].contains("ima_hash"));
}

TEST(JsonHook, GoldenUprobe) {
  PipelineFixture fixture;
  policy::HookSpec spec;
  spec.kind = HookKind::kUprobe;
  spec.path = "/usr/bin/bash";
  spec.function = "readline";
  spec.policy = "p";
  spec.ref_ctr_offset = 64;
  spec.args = {{0, "string", ""}};
  spec.data = {{1, "uint64", ""}};
  spec.returns = {{2, "int64", "result"}};
  fixture.set = test::set_of(spec, {{.actions = TRIGON_ACT_POST, .return_actions = TRIGON_ACT_POST}});
  fixture.feed(test::make_hook(1, 10, kTime,
                               {{.type = TRIGON_ARG_STRING, .data = "ls"},
                                {.type = TRIGON_ARG_UINT64, .value = 7},
                                {.type = TRIGON_ARG_INT64, .value = 0xfffffffffffffffe}},
                               {0}, 1, {.flags = TRIGON_HOOK_RETURN, .entry_fields = 2}));
  EXPECT_EQ(fixture.last(), test::golden("uprobe"));
  // By offset, and without its return.
  spec.function.clear();
  spec.offset = 4096;
  fixture.pipeline.policies_changed();
  fixture.set = test::set_of(spec, {{.actions = TRIGON_ACT_POST}});
  fixture.feed(test::make_hook(1, 10, kTime, {{.type = TRIGON_ARG_STRING, .data = "ls"}}, {0}));
  const json event = fixture.last()["process_uprobe"];
  EXPECT_EQ(event["offset"], "4096");
  EXPECT_FALSE(event.contains("symbol"));
  EXPECT_EQ(event["args"].size(), 1u);
}

TEST(JsonHook, GoldenUsdt) {
  PipelineFixture fixture;
  policy::HookSpec spec;
  spec.kind = HookKind::kUsdt;
  spec.path = "/usr/bin/app";
  spec.subsystem = "app";
  spec.event = "start";
  spec.policy = "p";
  spec.args = {{0, "int32", "code"}};
  fixture.set = test::set_of(spec, {{.actions = TRIGON_ACT_POST | TRIGON_ACT_SET}});
  fixture.feed(test::make_hook(1, 10, kTime, {{.value = 3}}));
  EXPECT_EQ(fixture.last(), test::golden("usdt"));
}

TEST(JsonHook, GoldenLoader) {
  PipelineFixture fixture;
  fixture.feed(test::make_loader(1, 10, "/usr/lib/libssl.so.3", "\xab\xcd"));
  EXPECT_EQ(fixture.last(), test::golden("loader"));
  fixture.feed(test::make_loader(1, 10, "/tmp/x.so", "", TRIGON_PATH_UNLINKED));
  EXPECT_EQ(fixture.last()["process_loader"]["path"], "/tmp/x.so (deleted)");
  EXPECT_FALSE(fixture.last()["process_loader"].contains("buildid"));
}

// What an event says of one selector, as [action, return_action or "", trigon object].
json verdict(const policy::SelectorInfo& info, const test::HookExtras& extras) {
  PipelineFixture fixture;
  policy::SelectorInfo posting = info;
  posting.actions |= TRIGON_ACT_POST;
  posting.return_actions |= TRIGON_ACT_POST;
  fixture.set = test::set_of({}, {posting});
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, extras));
  const json event = fixture.last()["process_kprobe"];
  return {event["action"], event.value("return_action", ""), event.value("trigon", json::object())};
}

TEST(JsonHook, ActionsAreThoseThatWereCarriedOut) {
  const policy::SelectorInfo kill{.actions = TRIGON_ACT_SIGNAL, .signal = 9, .is_sigkill = true};
  const policy::SelectorInfo signal{.actions = TRIGON_ACT_SIGNAL, .signal = 10};
  const policy::SelectorInfo deny{.actions = TRIGON_ACT_OVERRIDE, .error = -1};
  const policy::SelectorInfo both{.actions = TRIGON_ACT_OVERRIDE | TRIGON_ACT_SIGNAL, .signal = 9, .is_sigkill = true};
  const auto is = [](const json& got, const std::string& action, const std::string& more = "{}") {
    EXPECT_EQ(got[0], "KPROBE_ACTION_" + action) << got;
    EXPECT_EQ(got[1], "") << got;
    EXPECT_EQ(got[2], json::parse(more)) << got;
  };
  is(verdict({}, {}), "POST");
  is(verdict(kill, {.flags = TRIGON_HOOK_SIGNALLED}), "SIGKILL");
  is(verdict(signal, {.flags = TRIGON_HOOK_SIGNALLED}), "SIGNAL");
  is(verdict(kill, {.signal_error = -3}), "POST", R"({"signal_error":-3})");
  is(verdict(kill, {.flags = TRIGON_HOOK_MONITORED}), "POST", R"({"monitored":true})");
  is(verdict(deny, {.flags = TRIGON_HOOK_OVERRIDDEN, .error = -1}), "OVERRIDE", R"({"error":-1})");
  is(verdict(deny, {.flags = TRIGON_HOOK_MONITORED}), "POST", R"({"monitored":true})");
  is(verdict(both, {.flags = TRIGON_HOOK_OVERRIDDEN | TRIGON_HOOK_SIGNALLED, .error = -1}), "SIGKILL",
     R"({"error":-1})");
  is(verdict(both, {.flags = TRIGON_HOOK_OVERRIDDEN, .error = -1}), "OVERRIDE", R"({"error":-1})");
  is(verdict({.actions = TRIGON_ACT_SET}, {}), "SET");
  is(verdict({.actions = TRIGON_ACT_SET}, {.flags = TRIGON_HOOK_MONITORED}), "POST", R"({"monitored":true})");
  is(verdict({.actions = TRIGON_ACT_NOTIFY}, {}), "NOTIFYENFORCER");
  is(verdict({.actions = TRIGON_ACT_NOTIFY}, {.flags = TRIGON_HOOK_MONITORED}), "POST", R"({"monitored":true})");
  is(verdict({.actions = TRIGON_ACT_CLEANUP}, {}), "CLEANUPENFORCERNOTIFICATION");
  is(verdict({.actions = TRIGON_ACT_TRACK}, {}), "TRACKSOCK");
  is(verdict({.actions = TRIGON_ACT_UNTRACK}, {}), "UNTRACKSOCK");
  is(verdict({.actions = TRIGON_ACT_ENFORCER}, {.flags = TRIGON_HOOK_OVERRIDDEN, .error = -13}), "OVERRIDE",
     R"({"error":-13})");
  is(verdict({.actions = TRIGON_ACT_ENFORCER}, {.flags = TRIGON_HOOK_SIGNALLED}), "SIGNAL");
  // Of another policy, whose selector matched too: nothing of it is claimed here.
  is(verdict({}, {.flags = TRIGON_HOOK_SIGNALLED | TRIGON_HOOK_MONITORED}), "POST");
}

TEST(JsonHook, BothPhasesHaveAnAction) {
  const json got = verdict({.actions = TRIGON_ACT_TRACK | TRIGON_ACT_RETURN,
                            .return_actions = TRIGON_ACT_SIGNAL,
                            .return_signal = 9,
                            .return_is_sigkill = true},
                           {.flags = TRIGON_HOOK_RETURN | TRIGON_HOOK_SIGNALLED});
  EXPECT_EQ(got[0], "KPROBE_ACTION_TRACKSOCK");
  EXPECT_EQ(got[1], "KPROBE_ACTION_SIGKILL");
}

TEST(JsonHook, OneMemberForBothActions) {
  policy::HookSpec spec;
  spec.kind = HookKind::kUprobe;
  const auto action = [&](uint32_t entry, uint32_t at_return) {
    PipelineFixture fixture;
    fixture.set = test::set_of(spec, {{.actions = entry, .return_actions = at_return | TRIGON_ACT_POST}});
    fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1,
                                 {.flags = TRIGON_HOOK_RETURN | TRIGON_HOOK_OVERRIDDEN | TRIGON_HOOK_SIGNALLED}));
    return fixture.last()["process_uprobe"]["action"];
  };
  EXPECT_EQ(action(TRIGON_ACT_OVERRIDE, 0), "KPROBE_ACTION_OVERRIDE");
  EXPECT_EQ(action(TRIGON_ACT_OVERRIDE, TRIGON_ACT_SIGNAL), "KPROBE_ACTION_SIGNAL");
  EXPECT_EQ(action(0, 0), "KPROBE_ACTION_POST");
}

TEST(JsonHook, WhatIsNotWholeIsSaid) {
  const auto notes = [](uint16_t flags) { return verdict({}, {.flags = flags})[2].dump(); };
  EXPECT_EQ(notes(TRIGON_HOOK_ENTRY_LOST), R"({"entry_lost":true})");
  EXPECT_EQ(notes(TRIGON_HOOK_OTHER_POLICY), R"({"policies_changed":true})");
  EXPECT_EQ(notes(TRIGON_HOOK_TRACKED), R"({"tracked":true})");

  for (const auto member : {"args", "data", "return"}) {
    PipelineFixture fixture;
    policy::HookSpec spec;
    const std::string where = member;
    (where == "args" ? spec.args : where == "data" ? spec.data : spec.returns) = {{0, "string", ""}};
    fixture.set = test::set_of(spec, {{.return_actions = TRIGON_ACT_POST}});
    fixture.feed(test::make_hook(1, 10, 100, {{.type = TRIGON_ARG_STRING, .flags = TRIGON_FIELD_UNREADABLE}}, {0}, 1,
                                 {.flags = TRIGON_HOOK_RETURN}));
    const json event = fixture.last()["process_kprobe"];
    EXPECT_EQ(event["trigon"].dump(), R"({"unreadable":true})") << member;
    EXPECT_NE(event[member].dump().find("error_arg"), std::string::npos) << member;
  }
}

TEST(JsonHook, WithoutExtensionsThereAreNone) {
  JsonOptions options;
  options.extensions = false;
  PipelineFixture fixture(options);
  fixture.set = test::openat_set({{9, "int", ""}});
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.flags = TRIGON_HOOK_ENTRY_LOST}));
  EXPECT_FALSE(fixture.last()["process_kprobe"].contains("trigon"));
  fixture.feed(test::make_loader(1, 10, "/x", ""));
  EXPECT_FALSE(fixture.last()["process_loader"].contains("trigon"));
}

// An LSM hook has no members for what only kprobes have.
TEST(JsonHook, WhatTheSchemaLacksIsInTheExtension) {
  test::FakeResolver resolver;
  JsonOptions options;
  options.stacks = {&resolver, true};
  PipelineFixture fixture(options);
  policy::HookSpec spec;
  spec.kind = HookKind::kLsm;
  spec.data = {{0, "int", ""}};
  spec.returns = {{1, "int", ""}};
  fixture.set = test::set_of(spec, {{.return_actions = TRIGON_ACT_POST | TRIGON_ACT_USTACK}});
  fixture.feed(test::make_hook(1, 10, 100, {{.value = 5}, {.value = 6}}, {0}, 1,
                               {.flags = TRIGON_HOOK_RETURN, .kernel_stack = {1}, .user_stack = {0x2001}}));
  const json event = fixture.last()["process_lsm"];
  EXPECT_EQ(event["trigon"], json::parse(R"({"data":[{"int_arg":5}],"return":{"int_arg":6},
      "user_stack_trace":[{"address":"8193","offset":"4097","symbol":"main","module":"/usr/bin/a b"}]})"));
  for (const auto member : {"data", "return", "return_action", "user_stack_trace"}) {
    EXPECT_FALSE(event.contains(member)) << member;
  }
}

TEST(JsonHook, StacksWithoutSymbolsKeepTheirFrames) {
  JsonOptions options;
  PipelineFixture fixture(options);
  fixture.set = test::set_of({}, {{.actions = TRIGON_ACT_POST | TRIGON_ACT_KSTACK}});
  fixture.feed(test::make_hook(1, 10, 100, {}, {0}, 1, {.kernel_stack = {1, 2}, .user_stack = {3}}));
  const json event = fixture.last()["process_kprobe"];
  EXPECT_EQ(event["kernel_stack_trace"].dump(), "[{},{}]");
  EXPECT_FALSE(event.contains("user_stack_trace"));
}

}  // namespace
}  // namespace trigon::output
