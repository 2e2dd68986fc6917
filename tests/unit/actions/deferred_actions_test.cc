#include "actions/deferred_actions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "servers.h"

namespace trigon::actions {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kEmptyAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class Deferred : public ::testing::Test {
 protected:
  // A proxy of the machine that builds must not see requests to ourselves.
  void SetUp() override { ::setenv("no_proxy", "127.0.0.1", 1); }

  std::unique_ptr<DeferredActions> make(Options options) {
    auto actions = DeferredActions::create(std::move(options));
    EXPECT_TRUE(actions.ok());
    return *std::move(actions);
  }
  // Until all of `count` requests are counted.
  static Counters settled(const DeferredActions& actions, Kind kind, uint64_t count) {
    Counters counters;
    for (int i = 0; i < 1000; ++i) {
      counters = actions.counters(kind);
      if (counters.done + counters.failed + counters.refused + counters.dropped >= count) break;
      std::this_thread::sleep_for(10ms);
    }
    return counters;
  }
};

NameServer at(const test::DnsServer& server) { return {htonl(INADDR_LOOPBACK), server.port()}; }

TEST_F(Deferred, GetUrlAsksTheServer) {
  const test::HttpServer server([](const std::string&) { return kEmptyAnswer; });
  Options options;
  options.allow_get_url = {server.url("/hook")};
  const auto actions = make(options);
  actions->submit(Kind::kGetUrl, server.url("/hook/a?b=c"));
  actions->submit(Kind::kGetUrl, server.url("/hook"));
  actions->submit(Kind::kGetUrl, server.url("/hooks"));       // not below the prefix
  actions->submit(Kind::kGetUrl, "http://127.0.0.1:1/hook");  // another port
  actions->submit(Kind::kGetUrl, "file:///etc/passwd");
  const Counters counters = settled(*actions, Kind::kGetUrl, 5);
  EXPECT_EQ(counters.done, 2U) << actions->take_problem();
  EXPECT_EQ(counters.refused, 3U);
  EXPECT_EQ(counters.failed + counters.dropped, 0U);
  EXPECT_THAT(server.requests(), ElementsAre("GET /hook/a?b=c HTTP/1.1", "GET /hook HTTP/1.1"));
  EXPECT_EQ(actions->counters(Kind::kDnsLookup).refused, 0U);
}

TEST_F(Deferred, NothingIsAllowedByDefault) {
  const test::HttpServer server([](const std::string&) { return kEmptyAnswer; });
  const auto actions = make({});
  actions->submit(Kind::kGetUrl, server.url("/"));
  actions->submit(Kind::kDnsLookup, "canary.example");
  EXPECT_EQ(actions->counters(Kind::kGetUrl).refused, 1U);
  EXPECT_EQ(actions->counters(Kind::kDnsLookup).refused, 1U);
  EXPECT_THAT(actions->take_problem(), HasSubstr("--allow-dns-lookup does not allow it"));
  EXPECT_EQ(actions->take_problem(), "");
  std::this_thread::sleep_for(50ms);
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(Deferred, RedirectsAreNotFollowed) {
  const test::HttpServer other([](const std::string&) { return kEmptyAnswer; });
  const test::HttpServer server([&](const std::string&) {
    return "HTTP/1.1 302 Found\r\nLocation: " + other.url("/inside") + "\r\nContent-Length: 0\r\n\r\n";
  });
  Options options;
  options.allow_get_url = {server.url("")};
  const auto actions = make(options);
  actions->submit(Kind::kGetUrl, server.url("/"));
  EXPECT_EQ(settled(*actions, Kind::kGetUrl, 1).done, 1U) << actions->take_problem();
  std::this_thread::sleep_for(50ms);
  EXPECT_THAT(other.requests(), IsEmpty());
}

TEST_F(Deferred, AnyStatusIsAnAnswerAndLongOnesAreCut) {
  const test::HttpServer server([](const std::string& line) -> std::string {
    if (line.find("/missing") != std::string::npos) return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    return "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + std::string(200000, 'x');
  });
  Options options;
  options.allow_get_url = {"*"};
  const auto actions = make(options);
  actions->submit(Kind::kGetUrl, server.url("/missing"));
  actions->submit(Kind::kGetUrl, server.url("/long"));
  EXPECT_EQ(settled(*actions, Kind::kGetUrl, 2).done, 2U) << actions->take_problem();
}

// A destination that never answers costs its deadline, and the caller nothing.
TEST_F(Deferred, DeadlineAndBoundedQueue) {
  const test::HttpServer server([](const std::string&) { return std::string(); });
  Options options;
  options.allow_get_url = {"*"};
  options.deadline = 500ms;
  options.queue = 2;
  const auto actions = make(options);
  const auto begin = std::chrono::steady_clock::now();
  actions->submit(Kind::kGetUrl, server.url("/1"));
  ASSERT_TRUE(server.wait_for(1));  // it is on its way: the queue is empty again
  const auto before = std::chrono::steady_clock::now();
  for (int i = 2; i <= 6; ++i) actions->submit(Kind::kGetUrl, server.url("/" + std::to_string(i)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 400ms);
  const Counters counters = settled(*actions, Kind::kGetUrl, 6);
  EXPECT_EQ(counters.failed, 3U);
  EXPECT_EQ(counters.dropped, 3U);
  EXPECT_EQ(counters.done, 0U);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(Deferred, NobodyListens) {
  uint16_t port = 0;
  { port = test::DnsServer(0).port(); }
  Options options;
  options.allow_get_url = {"*"};
  const auto actions = make(options);
  actions->submit(Kind::kGetUrl, "http://127.0.0.1:" + std::to_string(port) + "/x");
  EXPECT_EQ(settled(*actions, Kind::kGetUrl, 1).failed, 1U);
  EXPECT_THAT(actions->take_problem(), HasSubstr("GetUrl http://127.0.0.1:"));
}

TEST_F(Deferred, StopEndsWhatIsOnItsWay) {
  const test::HttpServer server([](const std::string&) { return std::string(); });
  Options options;
  options.allow_get_url = {"*"};
  options.deadline = 60s;
  const auto actions = make(options);
  actions->submit(Kind::kGetUrl, server.url("/1"));
  ASSERT_TRUE(server.wait_for(1));
  actions->submit(Kind::kGetUrl, server.url("/2"));
  const auto begin = std::chrono::steady_clock::now();
  actions->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  actions->submit(Kind::kGetUrl, server.url("/3"));
  const Counters counters = actions->counters(Kind::kGetUrl);
  EXPECT_EQ(counters.failed, 1U);
  EXPECT_EQ(counters.dropped, 2U);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Deferred, DnsLookupAsksTheServer) {
  const test::DnsServer server(0);
  Options options;
  options.allow_dns_lookup = {"canary.example"};
  options.name_server = at(server);
  const auto actions = make(options);
  actions->submit(Kind::kDnsLookup, "token.canary.example");
  actions->submit(Kind::kDnsLookup, "elsewhere.example");
  const Counters counters = settled(*actions, Kind::kDnsLookup, 2);
  EXPECT_EQ(counters.done, 1U) << actions->take_problem();
  EXPECT_EQ(counters.refused, 1U);
  EXPECT_THAT(server.requests(), ElementsAre("token.canary.example. 1"));  // type A
}

TEST_F(Deferred, NoSuchNameIsAnAnswer) {
  constexpr int kNameError = 3;
  const test::DnsServer server(kNameError);
  Options options;
  options.allow_dns_lookup = {"*"};
  options.name_server = at(server);
  const auto actions = make(options);
  actions->submit(Kind::kDnsLookup, "nothing.example");
  EXPECT_EQ(settled(*actions, Kind::kDnsLookup, 1).done, 1U) << actions->take_problem();
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Deferred, SilentNameServer) {
  const test::DnsServer server(-1);
  Options options;
  options.allow_dns_lookup = {"*"};
  options.name_server = at(server);
  options.deadline = 1s;
  const auto actions = make(options);
  const auto begin = std::chrono::steady_clock::now();
  actions->submit(Kind::kDnsLookup, "a.example");
  EXPECT_EQ(settled(*actions, Kind::kDnsLookup, 1).failed, 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(actions->take_problem(), HasSubstr("no name server answered in time"));
}

TEST_F(Deferred, WrongFlagsAreUsageErrors) {
  Options options;
  options.allow_get_url = {"canary.example"};
  const auto actions = DeferredActions::create(options);
  ASSERT_FALSE(actions.ok());
  EXPECT_EQ(actions.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(actions.error().message(), HasSubstr("--allow-get-url"));
}

}  // namespace
}  // namespace trigon::actions
