#include "event/decode.h"

#include <gtest/gtest.h>

#include <random>
#include <variant>

#include "event/path.h"
#include "tests/unit/event/record_builder.h"

namespace trigon::event {
namespace {

using test::Bytes;

std::vector<Bytes> all_kinds() {
  test::RecordBuilder<trigon_cgroup_event> cgroup(TRIGON_REC_CGROUP);
  cgroup.fixed.path = cgroup.add("/a/b");
  return {test::make_exec({.env = {"A=1"}}),
          test::make_exec({.kind = TRIGON_REC_SNAPSHOT}),
          test::make_fork(2, 3, 1, 1),
          test::make_exit(2, 3, 4),
          test::make_data(2, 3, TRIGON_DATA_ARGS, std::string(5000, 'x')),
          test::make_hook(2, 3, 4,
                          {{.type = TRIGON_ARG_STRING, .data = "/etc/passwd"},
                           {.type = TRIGON_ARG_SOCK, .data = test::bytes_of(trigon_sock{})}},
                          {0}, 1, {.kernel_stack = {1, 2}, .user_stack = {3}, .ima = "\4abc"}),
          cgroup.build(),
          test::make_hook_data(2, 3, 100, std::string(500, 'x')),
          test::make_loader(2, 3, "/lib/x.so", "\xab\xcd")};
}

// Reads all that decode() promises may be read; the sanitizers see the rest.
size_t touch(const Event& event) {
  size_t sum = 0;
  const auto add = [&](std::string_view text) {
    for (const char c : text) sum += static_cast<unsigned char>(c);
  };
  if (const auto* exec = std::get_if<Exec>(&event)) {
    for (const auto view : {exec->exe, exec->cwd, exec->filename, exec->interp, exec->args, exec->env}) add(view);
    add(join_path(exec->exe, exec->record->exe.flags));
  } else if (const auto* hook = std::get_if<Hook>(&event)) {
    for (uint32_t i = 0; i < hook->record->fields; ++i) {
      add(hook->data(i));
      sum += hook->is_readable(i);
      trigon_module largest;
      sum += hook->structure(i, &largest);
    }
    for (const auto view : {hook->kernel_stack(), hook->user_stack(), hook->ima()}) add(view);
    for (uint32_t i = 0; i < hook->record->matches; ++i) sum += hook->record->match[i];
  } else if (const auto* data = std::get_if<ExecData>(&event)) {
    add(data->data);
  } else if (const auto* cgroup = std::get_if<Cgroup>(&event)) {
    add(cgroup->path);
  } else if (const auto* hook_data = std::get_if<HookData>(&event)) {
    add(hook_data->data);
  } else if (const auto* loader = std::get_if<Loader>(&event)) {
    add(loader->path);
    add(loader->build_id);
  }
  return sum;
}

TEST(Decode, AcceptsEveryKind) {
  const size_t expected[] = {1, 1, 3, 4, 2, 6, 5, 7, 8};  // alternatives of Event
  size_t i = 0;
  for (const Bytes& bytes : all_kinds()) {
    Event event;
    ASSERT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone) << i;
    EXPECT_EQ(event.index(), expected[i]) << i;
    touch(event);
    ++i;
  }
}

TEST(Decode, ViewsPointIntoTheRecord) {
  const Bytes bytes = test::make_exec({.exe = "/bin/ls", .args = {"ls", "-l"}});
  Event event;
  ASSERT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
  const auto& exec = std::get<Exec>(event);
  EXPECT_EQ(join_path(exec.exe, 0), "/bin/ls");
  EXPECT_EQ(exec.args, std::string_view("ls\0-l\0", 6));
  EXPECT_TRUE(exec.interp.empty());
}

TEST(Decode, RefusesWhatDoesNotFit) {
  Event event;
  Bytes bytes = test::make_fork(2, 3, 1, 1);
  EXPECT_EQ(decode(bytes.data(), 8, &event), DecodeError::kShort);
  EXPECT_EQ(decode(bytes.data(), bytes.size - 1, &event), DecodeError::kSize);
  EXPECT_EQ(decode(bytes.bytes() + 4, bytes.size - 4, &event), DecodeError::kUnaligned);
  auto* rec = reinterpret_cast<trigon_record*>(bytes.bytes());
  rec->size = sizeof(trigon_record);
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kSize);
  rec->kind = TRIGON_REC_KINDS;
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kKind);
  rec->abi = TRIGON_ABI_VERSION + 1;
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kAbi);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(event));
}

TEST(Decode, RefusesSpansThatLeaveTheRecord) {
  Event event;
  Bytes bytes = test::make_exec({});
  auto* exec = reinterpret_cast<trigon_exec*>(bytes.bytes());
  exec->args.len = 0xffffffff;
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kSpan);
  exec->args = {0xffffffff, 2};  // the sum wraps
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kSpan);
  exec->args = {static_cast<uint32_t>(bytes.size), 0};
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
  Bytes hook_bytes = test::make_hook(1, 1, 1, {{}});
  auto* hook = reinterpret_cast<trigon_hook_event*>(hook_bytes.bytes());
  hook->matches = TRIGON_MAX_MATCHES + 1;
  EXPECT_EQ(decode(hook_bytes.data(), hook_bytes.size, &event), DecodeError::kCount);
  hook->matches = 1;
  hook->fields = TRIGON_MAX_FIELDS + 1;
  EXPECT_EQ(decode(hook_bytes.data(), hook_bytes.size, &event), DecodeError::kCount);
}

TEST(Decode, RefusesStructuresThatAreCut) {
  const struct {
    uint8_t type;
    size_t size;
  } cases[] = {{TRIGON_ARG_SKB, sizeof(trigon_skb)},
               {TRIGON_ARG_SOCK, sizeof(trigon_sock)},
               {TRIGON_ARG_SOCKET, sizeof(trigon_sock)},
               {TRIGON_ARG_CRED, sizeof(trigon_creds)},
               {TRIGON_ARG_USER_NS, sizeof(trigon_user_ns)},
               {TRIGON_ARG_LOAD_INFO, sizeof(trigon_module)},
               {TRIGON_ARG_MODULE, sizeof(trigon_module)},
               {TRIGON_ARG_BPF_ATTR, sizeof(trigon_bpf_prog)},
               {TRIGON_ARG_BPF_PROG, sizeof(trigon_bpf_prog)},
               {TRIGON_ARG_BPF_MAP, sizeof(trigon_bpf_map)},
               {TRIGON_ARG_PERF_EVENT, sizeof(trigon_perf_event)}};
  for (const auto& one : cases) {
    const auto decoded = [&](size_t size) {
      const Bytes bytes = test::make_hook(1, 1, 1, {{.type = one.type, .data = std::string(size, 'x')}});
      Event event;
      return decode(bytes.data(), bytes.size, &event);
    };
    EXPECT_EQ(decoded(one.size), DecodeError::kNone) << int{one.type};
    EXPECT_EQ(decoded(one.size - 1), DecodeError::kField) << int{one.type};
    EXPECT_EQ(decoded(1), DecodeError::kField) << int{one.type};
    EXPECT_EQ(decoded(0), DecodeError::kNone) << int{one.type};  // there is none, and structure() says so
  }
}

TEST(Decode, StructuresNeedNoAlignment) {
  trigon_user_ns ns{};
  ns.inode = 7;
  const Bytes bytes =
      test::make_hook(1, 1, 1, {{.data = "x"}, {.type = TRIGON_ARG_USER_NS, .data = test::bytes_of(ns)}, {}});
  Event event;
  ASSERT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
  trigon_user_ns copy{};
  EXPECT_TRUE(std::get<Hook>(event).structure(1, &copy));
  EXPECT_EQ(copy.inode, 7u);
  EXPECT_FALSE(std::get<Hook>(event).structure(0, &copy));
  EXPECT_FALSE(std::get<Hook>(event).structure(2, &copy));
}

TEST(Decode, RefusesImpossibleStacks) {
  Event event;
  Bytes bytes = test::make_hook(1, 1, 1, {}, {0}, 1, {.kernel_stack = std::vector<uint64_t>(TRIGON_MAX_STACK + 1)});
  auto* hook = reinterpret_cast<trigon_hook_event*>(bytes.bytes());
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kStack);
  hook->kernel_stack.len -= sizeof(uint64_t);
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
  hook->kernel_stack.len -= 1;
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kStack);
  for (trigon_span* span : {&hook->kernel_stack, &hook->user_stack, &hook->ima}) {
    hook->kernel_stack = {};
    *span = {static_cast<uint32_t>(bytes.size), 8};
    EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kSpan);
    *span = {};
  }
  hook->entry_fields = 1;  // of none
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kCount);
}

TEST(Decode, RefusesHookDataAndLoaderThatLeaveTheRecord) {
  Event event;
  Bytes data = test::make_hook_data(1, 0, 0, "abc");
  auto* record = reinterpret_cast<trigon_hook_data*>(data.bytes());
  record->field = TRIGON_MAX_FIELDS;
  EXPECT_EQ(decode(data.data(), data.size, &event), DecodeError::kCount);
  record->len = 4;
  EXPECT_EQ(decode(data.data(), data.size, &event), DecodeError::kSpan);
  Bytes bytes = test::make_loader(1, 1, "/a", "b");
  reinterpret_cast<trigon_loader*>(bytes.bytes())->build_id.len = 2;
  EXPECT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kSpan);
}

TEST(Decode, HookRecordMayEndBehindItsLastField) {
  test::RecordBuilder<trigon_hook_event> builder(TRIGON_REC_HOOK);
  builder.fixed.fields = 2;
  Bytes bytes = builder.build();
  auto* rec = reinterpret_cast<trigon_record*>(bytes.bytes());
  rec->size = offsetof(trigon_hook_event, field) + 2 * sizeof(trigon_field);
  Event event;
  EXPECT_EQ(decode(bytes.data(), rec->size, &event), DecodeError::kNone);
  rec->size -= 8;
  EXPECT_EQ(decode(bytes.data(), rec->size, &event), DecodeError::kCount);
}

TEST(Decode, SurvivesMutations) {
  std::mt19937 random(7);
  const std::vector<Bytes> seeds = all_kinds();
  size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = seeds[random() % seeds.size()];
    const size_t fixed = std::min<size_t>(bytes.size, 1024);
    for (uint32_t i = 0, n = 1 + random() % 4; i < n; ++i) {
      bytes.bytes()[random() % fixed] = static_cast<uint8_t>(random() % 3 == 0 ? 0xff : random());
    }
    if (random() % 4 == 0) bytes.size = random() % (bytes.size + 1);
    Bytes exact;  // a heap block of just that size, so that a sanitizer sees the first byte too many
    exact.words.assign(bytes.words.begin(), bytes.words.begin() + static_cast<long>((bytes.size + 7) / 8));
    Event event;
    if (decode(exact.data(), bytes.size, &event) != DecodeError::kNone) continue;
    ++accepted;
    touch(event);
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace trigon::event
