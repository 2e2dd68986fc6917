#include "event/hook_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/event/record_builder.h"

namespace trigon::event {
namespace {

using test::Bytes;
using test::HookExtras;

class HookDataTest : public ::testing::Test {
 protected:
  void put(const Bytes& bytes) {
    Event event;
    ASSERT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
    store_.put(std::get<HookData>(event));
  }
  // The bytes of a field of type char_buf, of which the record holds `head` and the call had `size`.
  std::string attach(const std::string& head, uint32_t size, uint32_t pid = 1, const HookExtras& extras = {}) {
    hook_ = test::make_hook(pid, 1, 1,
                            {{.value = 1}, {.type = TRIGON_ARG_CHAR_BUF, .data = head, .flags = 0, .size = size}}, {0},
                            1, extras);
    Event event;
    EXPECT_EQ(decode(hook_.data(), hook_.size, &event), DecodeError::kNone);
    auto hook = std::get<Hook>(event);
    store_.attach(&hook);
    return std::string(hook.data(1));
  }

  HookDataStore store_{{.max_threads = 4, .max_bytes = 1 << 20}};
  Bytes hook_;
};

TEST_F(HookDataTest, PutsTheWholeTogether) {
  put(test::make_hook_data(1, 1, 3, "def"));
  put(test::make_hook_data(1, 1, 6, "gh"));
  EXPECT_EQ(attach("abc", 8), "abcdefgh");
  EXPECT_EQ(store_.bytes(), 0u);
  EXPECT_EQ(store_.threads(), 0u);
  EXPECT_EQ(attach("abc", 8), "abc");  // once only
  EXPECT_EQ(store_.counters().stored, 2u);
  EXPECT_EQ(store_.counters().dropped, 0u);
}

TEST_F(HookDataTest, OtherThreadsAndHooksLeaveItAlone) {
  put(test::make_hook_data(1, 1, 3, "def"));
  EXPECT_EQ(attach("abc", 6, 2), "abc");
  EXPECT_EQ(attach("short", 5), "short");  // a hook that came in between wants none of it
  EXPECT_EQ(attach("abc", 6), "abcdef");
}

TEST_F(HookDataTest, NothingIsPutOverAGap) {
  put(test::make_hook_data(1, 1, 3, "def"));
  put(test::make_hook_data(1, 1, 9, "jkl"));
  EXPECT_EQ(attach("abc", 12), "abcdef");
  EXPECT_EQ(store_.counters().dropped, 1u);
  put(test::make_hook_data(1, 1, 5, "fgh"));
  EXPECT_EQ(attach("abc", 12), "abc");
}

TEST_F(HookDataTest, WhatAnEarlierCallLeftIsNotTaken) {
  put(test::make_hook_data(1, 1, 3, "OLD"));
  put(test::make_hook_data(1, 1, 6, "OLD"));
  put(test::make_hook_data(1, 1, 3, "new"));
  EXPECT_EQ(attach("abc", 12), "abcnew");
  EXPECT_EQ(store_.counters().dropped, 2u);
  // The hook record was lost: the next on this cpu says so.
  put(test::make_hook_data(1, 1, 3, "OLD"));
  EXPECT_EQ(attach("abc", 6, 1, {.lost = 1}), "abc");
  put(test::make_hook_data(1, 1, 3, "OLD"));
  EXPECT_EQ(attach("abc", 6, 1, {.cpu = 1}), "abc");
  put(test::make_hook_data(1, 1, 3, "OLD"));
  put(test::make_hook_data(1, 1, 3, "new", {.cpu = 1}));
  EXPECT_EQ(attach("abc", 6, 1, {.cpu = 1}), "abcnew");
  EXPECT_EQ(store_.counters().dropped, 5u);
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(HookDataTest, ThreadsAndBytesAreBounded) {
  for (uint32_t pid = 1; pid <= 10; ++pid) put(test::make_hook_data(pid, 1, 3, "def"));
  EXPECT_EQ(store_.threads(), 4u);
  EXPECT_EQ(store_.counters().dropped, 6u);
  EXPECT_EQ(attach("abc", 6, 6), "abc");
  EXPECT_EQ(attach("abc", 6, 7), "abcdef");

  constexpr uint32_t kPiece = 64 * 1024;
  const std::string piece(kPiece, 'x');
  for (uint32_t pid = 100; pid < 104; ++pid) {
    for (uint32_t i = 0; i < 6; ++i) put(test::make_hook_data(pid, 1, i * kPiece, piece));
    EXPECT_LE(store_.bytes(), 1u << 20);
  }
  // 320 KiB of a field and no more: the sixth piece was refused.
  EXPECT_EQ(attach("", 6 * kPiece, 103).size(), 5u * kPiece);
}

TEST_F(HookDataTest, SeveralFieldsOfACall) {
  put(test::make_hook_data(1, 0, 2, "cd"));
  put(test::make_hook_data(1, 1, 2, "CD"));
  const Bytes bytes = test::make_hook(
      1, 1, 1,
      {{.type = TRIGON_ARG_CHAR_BUF, .data = "ab", .size = 4}, {.type = TRIGON_ARG_CHAR_BUF, .data = "AB", .size = 4}});
  Event event;
  ASSERT_EQ(decode(bytes.data(), bytes.size, &event), DecodeError::kNone);
  auto hook = std::get<Hook>(event);
  store_.attach(&hook);
  EXPECT_EQ(hook.data(0), "abcd");
  EXPECT_EQ(hook.data(1), "ABCD");
  EXPECT_TRUE(hook.is_whole(0) && hook.is_whole(1) && !hook.is_whole(2));
}

}  // namespace
}  // namespace trigon::event
