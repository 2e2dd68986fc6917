#include "output/text.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/hash_info.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "output/names.h"

namespace trigon::output {
namespace {

template <typename Put, typename... Args>
std::string text_of(Put put, Args... args) {
  Buffer out;
  put(args..., &out);
  return std::string(out.view());
}

TEST(Text, Numbers) {
  EXPECT_EQ(text_of(put_uint, 0u), "0");
  EXPECT_EQ(text_of(put_uint, 9u), "9");
  EXPECT_EQ(text_of(put_uint, 10u), "10");
  EXPECT_EQ(text_of(put_uint, 12345u), "12345");
  EXPECT_EQ(text_of(put_uint, UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(text_of(put_int, INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(text_of(put_int, -1), "-1");
  EXPECT_EQ(text_of(put_hex, 0xdeadu), "dead");
  EXPECT_EQ(text_of(put_octal, 0100755u), "100755");
}

TEST(Text, Base64) {
  EXPECT_EQ(text_of(put_base64, ""), "");
  EXPECT_EQ(text_of(put_base64, "f"), "Zg==");
  EXPECT_EQ(text_of(put_base64, "fo"), "Zm8=");
  EXPECT_EQ(text_of(put_base64, "foo"), "Zm9v");
  EXPECT_EQ(text_of(put_base64, "node-a:1234567890:4210"), "bm9kZS1hOjEyMzQ1Njc4OTA6NDIxMA==");
  EXPECT_EQ(text_of(put_base64, "\xff\xfe\xfd"), "//79");
}

TEST(Text, EscapesJson) {
  EXPECT_EQ(text_of(put_escaped, "/usr/bin/plain-text_without.anything"), "/usr/bin/plain-text_without.anything");
  EXPECT_EQ(text_of(put_escaped, "a\"b\\c/d"), "a\\\"b\\\\c/d");
  EXPECT_EQ(text_of(put_escaped, "\b\t\n\f\r"), "\\b\\t\\n\\f\\r");
  EXPECT_EQ(text_of(put_escaped, "\x1b[31m\x7f"), "\\u001b[31m\\u007f");
  EXPECT_EQ(text_of(put_escaped, std::string_view("a\0b", 3)), "a\\u0000b");
  EXPECT_EQ(text_of(put_escaped, "\xc2\x9b"), "\\u009b");  // C1: CSI in one character
}

TEST(Text, Utf8PassesAndTheRestIsReplaced) {
  EXPECT_EQ(text_of(put_escaped, "grüße 🚀 日本"), "grüße 🚀 日本");
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(text_of(put_escaped,
                    "a\xff"
                    "b"),
            "a" + bad + "b");
  EXPECT_EQ(text_of(put_escaped, "\xc0\xaf"), bad + bad);            // overlong
  EXPECT_EQ(text_of(put_escaped, "\xed\xa0\x80"), bad + bad + bad);  // surrogate
  EXPECT_EQ(text_of(put_escaped, "\xf4\x90\x80\x80"), bad + bad + bad + bad);
  EXPECT_EQ(text_of(put_escaped,
                    "1234567\xe6\x97\xa5"
                    "9"),
            "1234567\xe6\x97\xa5"
            "9");                                                           // across eight bytes
  EXPECT_EQ(text_of(put_escaped, "123456\xe6\x97"), "123456" + bad + bad);  // cut at the end
}

TEST(Text, RandomBytesMakeValidJson) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 40, ' ');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : 'a' + random() % 26);
    const auto parsed = nlohmann::json::parse(text_of(put_string, std::string_view(bytes)));
    ASSERT_TRUE(parsed.is_string());
  }
}

TEST(Text, PrintableForTerminals) {
  EXPECT_EQ(text_of(put_printable, "/bin/ls"), "/bin/ls");
  EXPECT_EQ(text_of(put_printable, "grüße"), "grüße");
  EXPECT_EQ(text_of(put_printable, ""), "\"\"");
  EXPECT_EQ(text_of(put_printable, "a b"), "\"a b\"");
  EXPECT_EQ(text_of(put_printable, "\x1b]0;x\a"), "\"\\u001b]0;x\\u0007\"");
  EXPECT_EQ(text_of(put_printable, "\xff\n"), "\"\\xff\\n\"");
  EXPECT_EQ(text_of(put_printable,
                    "\xc2\x9b"
                    "31m"),
            "\"\\u009b31m\"");
}

TEST(Text, Time) {
  TimeText time;
  const auto put = [&](uint64_t ns) { return text_of([&](uint64_t t, Buffer* out) { time.put(t, out); }, ns); };
  EXPECT_EQ(put(0), "1970-01-01T00:00:00Z");
  constexpr uint64_t kSecond = 1788256800;  // 2026-09-01T10:00:00Z
  EXPECT_EQ(put(kSecond * 1'000'000'000 + 123456789), "2026-09-01T10:00:00.123456789Z");
  EXPECT_EQ(put(kSecond * 1'000'000'000 + 500'000'000), "2026-09-01T10:00:00.500Z");
  EXPECT_EQ(put(kSecond * 1'000'000'000 + 1'000), "2026-09-01T10:00:00.000001Z");
  EXPECT_EQ(put((kSecond + 1) * 1'000'000'000), "2026-09-01T10:00:01Z");
  const auto fixed = [&](uint64_t t, Buffer* out) { time.put_fixed(t, out); };
  EXPECT_EQ(text_of(fixed, kSecond * 1'000'000'000 + 5), "2026-09-01T10:00:00.000000005Z");
}

TEST(Text, JoinsArguments) {
  const auto join = [](std::string_view args) {
    std::string out;
    join_arguments(args, [&](std::string_view piece) { out += piece; });
    return out;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(join("wget\0-q\0http://x/a b\0"sv), "-q \"http://x/a b\"");
  EXPECT_EQ(join("sh\0-c\0\0x\ty"sv), "-c \"\" \"x\ty\"");
  EXPECT_EQ(join("true\0"sv), "");
  EXPECT_EQ(join(""sv), "");
}

TEST(Names, Quirks) {
  EXPECT_EQ(capability_name(1), "DAC_OVERRIDE");
  EXPECT_EQ(capability_name(2), "CAP_DAC_READ_SEARCH");
  EXPECT_EQ(capability_name(40), "CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(capability_name(41), "");
  EXPECT_EQ(signal_name(9), "SIGKILL");
  EXPECT_EQ(signal_name(34), "SIGRTMIN");
  EXPECT_EQ(signal_name(64), "SIGRTMAX");
  EXPECT_EQ(signal_name(65), "");
}

// The first, the last and what lies behind it; what consumers know by another name than the header's.
TEST(Names, Tables) {
  EXPECT_EQ(address_family_name(0), "AF_UNSPEC");
  EXPECT_EQ(address_family_name(AF_INET6), "AF_INET6");
  EXPECT_EQ(address_family_name(AF_VSOCK), "AF_VSOCK");
  EXPECT_EQ(address_family_name(AF_XDP), "AF_XDP");
  EXPECT_EQ(address_family_name(46), "");
  EXPECT_EQ(socket_type_name(SOCK_DGRAM), "SOCK_DGRAM");
  EXPECT_EQ(socket_type_name(0), "");
  EXPECT_EQ(protocol_name(IPPROTO_IP), "IPPROTO_IP");
  EXPECT_EQ(protocol_name(IPPROTO_SCTP), "IPPROTO_SCTP");
  EXPECT_EQ(protocol_name(262), "IPPROTO_MPTCP");
  EXPECT_EQ(protocol_name(3), "");
  EXPECT_EQ(tcp_state_name(TCP_ESTABLISHED), "TCP_ESTABLISHED");
  EXPECT_EQ(tcp_state_name(TCP_CLOSING), "TCP_CLOSING");
  EXPECT_EQ(tcp_state_name(0), "");
  EXPECT_EQ(tcp_state_name(14), "");
  EXPECT_EQ(bpf_command_name(BPF_LINK_CREATE), "BPF_LINK_CREATE");
  EXPECT_EQ(bpf_command_name(36), "BPF_TOKEN_CREATE");
  EXPECT_EQ(bpf_command_name(37), "");
  EXPECT_EQ(bpf_program_type_name(BPF_PROG_TYPE_LSM), "BPF_PROG_TYPE_LSM");
  EXPECT_EQ(bpf_program_type_name(32), "BPF_PROG_TYPE_NETFILTER");
  EXPECT_EQ(bpf_program_type_name(33), "");
  EXPECT_EQ(bpf_map_type_name(BPF_MAP_TYPE_RINGBUF), "BPF_MAP_TYPE_RINGBUF");
  EXPECT_EQ(bpf_map_type_name(BPF_MAP_TYPE_BLOOM_FILTER), "BPF_MAP_TYPE_BLOOM_FILTER");
  EXPECT_EQ(perf_type_name(PERF_TYPE_BREAKPOINT), "PERF_TYPE_BREAKPOINT");
  EXPECT_EQ(perf_type_name(6), "");
  EXPECT_EQ(hash_name(HASH_ALGO_SHA256), "sha256");
  EXPECT_EQ(hash_name(HASH_ALGO_WP_512), "wp512");
  EXPECT_EQ(hash_name(HASH_ALGO_SM3_256), "sm3");
  EXPECT_EQ(taint_name(13), "TAINT_UNSIGNED_MODULE");
  EXPECT_EQ(taint_name(3), "");
  EXPECT_EQ(namespace_name(CLONE_NEWNET), "net");
  EXPECT_EQ(namespace_name(CLONE_NEWCGROUP), "cgroup");
  EXPECT_EQ(namespace_name(1), "");
  EXPECT_EQ(errno_name(EACCES), "EACCES");
  EXPECT_EQ(errno_name(0), "");
  EXPECT_EQ(errno_name(9999), "");
}

}  // namespace
}  // namespace trigon::output
