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
          test::make_hook(2, 3, 4, {{.type = TRIGON_ARG_STRING, .data = "/etc/passwd"}}),
          cgroup.build()};
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
    for (uint32_t i = 0; i < hook->record->fields; ++i) add(hook->data(hook->record->field[i]));
    for (uint32_t i = 0; i < hook->record->matches; ++i) sum += hook->record->match[i];
  } else if (const auto* data = std::get_if<ExecData>(&event)) {
    add(data->data);
  } else if (const auto* cgroup = std::get_if<Cgroup>(&event)) {
    add(cgroup->path);
  }
  return sum;
}

TEST(Decode, AcceptsEveryKind) {
  const size_t expected[] = {1, 1, 3, 4, 2, 6, 5};  // alternatives of Event
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
    const size_t fixed = std::min<size_t>(bytes.size, 512);
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
