#include "actions/destination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trigon::actions {
namespace {

using ::testing::HasSubstr;

TEST(Url, Parses) {
  const auto url = Url::parse("HTTPS://Canary.Example.COM:8443/a/b?c=d");
  ASSERT_TRUE(url.ok()) << url.error().message();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "canary.example.com");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b?c=d");
  EXPECT_EQ(Url::parse("http://x")->port, 80);
  EXPECT_EQ(Url::parse("https://x")->port, 443);
  EXPECT_EQ(Url::parse("http://x?q")->path, "/?q");
  const auto v6 = Url::parse("http://[2001:DB8::1]:81/");
  ASSERT_TRUE(v6.ok()) << v6.error().message();
  EXPECT_EQ(v6->host, "[2001:db8::1]");
  EXPECT_EQ(v6->port, 81);
}

class BadUrl : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(BadUrl, IsRefused) {
  const auto url = Url::parse(GetParam().first);
  ASSERT_FALSE(url.ok());
  EXPECT_THAT(url.error().message(), HasSubstr(GetParam().second));
}
INSTANTIATE_TEST_SUITE_P(
    All, BadUrl,
    ::testing::Values(std::pair("", "http:// or https://"), std::pair("file:///etc/passwd", "http:// or https://"),
                      std::pair("gopher://x/", "http:// or https://"), std::pair("x.example/", "http:// or https://"),
                      std::pair("http://user@x/", "user information"), std::pair("http://a:b@x/", "user information"),
                      std::pair("http:///path", "no valid host"), std::pair("http://a b/", "no valid host"),
                      std::pair("http://a\\b/", "no valid host"), std::pair("http://x:/", "a port"),
                      std::pair("http://x:0/", "a port"), std::pair("http://x:65536/", "a port"),
                      std::pair("http://x:8x/", "a port"), std::pair("http://[::1/", "'['"),
                      std::pair("http://[x]/", "no IPv6 address"), std::pair("http://[::1]x/", "a port"),
                      std::pair("http://x/a b", "%XX"), std::pair("http://x/a\nb", "%XX"),
                      std::pair("http://x/a\\b", "%XX"), std::pair("http://x/a/../b", "'..'"),
                      std::pair("http://x/a/%2E%2e/b", "'..'"), std::pair("http://x/..", "'..'"),
                      std::pair("http://x/a/./b", "'..'")));

TEST(AllowList, NothingByDefault) {
  const auto list = AllowList::create({}, {});
  ASSERT_TRUE(list.ok());
  const auto url = list->check_url("http://x/");
  ASSERT_FALSE(url.ok());
  EXPECT_EQ(url.error().code(), ErrorCode::kPermission);
  EXPECT_THAT(url.error().message(), HasSubstr("--allow-get-url"));
  const auto name = list->check_name("x");
  ASSERT_FALSE(name.ok());
  EXPECT_THAT(name.error().message(), HasSubstr("--allow-dns-lookup"));
}

TEST(AllowList, UrlPrefixesEndAtBoundaries) {
  const auto list =
      AllowList::create({"https://good.example", "http://hooks.example:8080/api", "http://q.example/?id="}, {});
  ASSERT_TRUE(list.ok()) << list.error().message();
  for (const char* url : {"https://good.example", "https://good.example/", "https://GOOD.example:443/any/thing?x=1",
                          "http://hooks.example:8080/api", "http://hooks.example:8080/api/x",
                          "http://hooks.example:8080/api?x", "http://q.example/?id=7"})
    EXPECT_TRUE(list->check_url(url).ok()) << url;
  for (const char* url : {"http://good.example/", "https://good.example.evil.example/", "https://good.example:444/",
                          "https://evil.example/https://good.example/", "https://good.example@evil.example/",
                          "http://hooks.example:8080/apis", "http://hooks.example:8080/", "http://hooks.example/api",
                          "http://hooks.example:8080/api/../x", "http://q.example/?x", "https://xgood.example/"})
    EXPECT_FALSE(list->check_url(url).ok()) << url;
}

TEST(AllowList, NameSuffixesAreWholeParts) {
  const auto list = AllowList::create({}, {"canary.example", ".Internal.example."});
  ASSERT_TRUE(list.ok()) << list.error().message();
  for (const char* name : {"canary.example", "token.canary.example", "A.B.CANARY.EXAMPLE.", "x.internal.example"})
    EXPECT_TRUE(list->check_name(name).ok()) << name;
  for (const char* name : {"mycanary.example", "canary.example.com", "example", "", ".", "a..canary.example",
                           "a b.canary.example", "a\n.canary.example"})
    EXPECT_FALSE(list->check_name(name).ok()) << name;
  EXPECT_FALSE(list->check_name(std::string(64, 'a') + ".canary.example").ok());
}

TEST(AllowList, StarIsEverythingThatIsValid) {
  const auto list = AllowList::create({"*"}, {"*"});
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->check_url("http://any.example/x").ok());
  EXPECT_FALSE(list->check_url("file:///etc/passwd").ok());
  EXPECT_TRUE(list->check_name("any.example").ok());
  EXPECT_FALSE(list->check_name("a/b").ok());
}

TEST(AllowList, NamesTheFlagThatIsWrong) {
  EXPECT_THAT(AllowList::create({"ftp://x"}, {}).error().message(), HasSubstr("--allow-get-url: 'ftp://x'"));
  const auto names = AllowList::create({}, {"*.example"});
  ASSERT_FALSE(names.ok());
  EXPECT_EQ(names.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(names.error().message(), HasSubstr("--allow-dns-lookup: '*.example'"));
}

}  // namespace
}  // namespace trigon::actions
