#include "symbols/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace trigon::symbols {
namespace {

using ::testing::HasSubstr;

TEST(Digest, Parses) {
  const auto digest = Digest::parse("sha1:DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest->kind, Digest::Kind::kSha1);
  EXPECT_EQ(digest->to_string(), "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_TRUE(Digest::parse("build-id:0123456789abcdef").ok());
}

TEST(Digest, SaysWhatIsWrong) {
  EXPECT_THAT(Digest::parse("da39a3ee").error().message(), HasSubstr("has no algorithm"));
  EXPECT_THAT(Digest::parse("sha257:00").error().message(), HasSubstr("did you mean `sha256`?"));
  EXPECT_THAT(Digest::parse("sha1:00").error().message(), HasSubstr("has 2 hexadecimal digits; sha1 has 40"));
  EXPECT_THAT(Digest::parse("sha1:0x").error().message(), HasSubstr("no hexadecimal digit: 'x'"));
  EXPECT_FALSE(Digest::parse("build-id:").ok());
  EXPECT_FALSE(Digest::parse("build-id:123").ok());
}

// What coreutils says of the shell.
std::string sum_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " </bin/sh").c_str(), "r"), ::pclose);
  std::array<char, 512> line{};
  if (pipe == nullptr || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
  const std::string text(line.data());
  return text.substr(0, text.find(' '));
}

TEST(Digest, AgreesWithCoreutils) {
  const auto file = ElfFile::open("/bin/sh");
  ASSERT_TRUE(file.ok());
  for (const auto& [kind, command] : {std::pair(Digest::Kind::kSha1, "sha1sum"),
                                      {Digest::Kind::kSha256, "sha256sum"},
                                      {Digest::Kind::kSha384, "sha384sum"},
                                      {Digest::Kind::kSha512, "sha512sum"}}) {
    const auto digest = digest_of(*file, kind);
    if (!digest.ok() && digest.error().code() == ErrorCode::kUnsupported) GTEST_SKIP() << digest.error().message();
    ASSERT_TRUE(digest.ok()) << digest.error().message();
    EXPECT_EQ(digest->hex, sum_of(command)) << command;
  }
}

TEST(Digest, AnyOfSeveralAllows) {
  const auto file = ElfFile::open("/bin/sh");
  ASSERT_TRUE(file.ok());
  const auto right = digest_of(*file, Digest::Kind::kSha256);
  if (!right.ok()) GTEST_SKIP() << right.error().message();
  Digest wrong = *right;
  wrong.hex.front() = wrong.hex.front() == '0' ? '1' : '0';
  EXPECT_TRUE(check_digests(*file, std::vector<Digest>{wrong, *right}).ok());
  const auto refused = check_digests(*file, std::vector<Digest>{wrong});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermission);
  EXPECT_THAT(refused.error().message(), HasSubstr("found " + right->to_string()));
  EXPECT_THAT(refused.error().message(), HasSubstr("allowed " + wrong.to_string()));
  // Equal digits under another name are no match.
  Digest other = *right;
  other.kind = Digest::Kind::kBuildId;
  EXPECT_FALSE(check_digests(*file, std::vector<Digest>{other}).ok());
  EXPECT_FALSE(check_digests(*file, std::vector<Digest>()).ok());
  EXPECT_TRUE(check_digests(*file, std::vector<std::string>{wrong.to_string(), right->to_string()}).ok());
  EXPECT_FALSE(check_digests(*file, std::vector<std::string>{"sha256:1"}).ok());
}

}  // namespace
}  // namespace trigon::symbols
