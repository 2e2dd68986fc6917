// Every type of argument, one by one: tests/golden/arguments.json has the object of each.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <map>

#include "output/arg_form.h"
#include "tests/unit/output/pipeline_fixture.h"

namespace trigon::output {
namespace {

using nlohmann::json;
using test::bytes_of;
using test::FieldSpec;
using test::PipelineFixture;

constexpr uint32_t kHostUserNs = 4026531837;

json args_of(const std::vector<policy::ArgSpec>& specs, const std::vector<FieldSpec>& fields) {
  JsonOptions options;
  options.host_ns.user = kHostUserNs;
  PipelineFixture fixture(options);
  fixture.set = test::openat_set(specs);
  fixture.feed(test::make_hook(1, 10, 100, fields));
  return fixture.last()["process_kprobe"]["args"];
}

std::string one(const std::string& type, FieldSpec field) {
  return args_of({{0, type, ""}}, {std::move(field)})[0].dump();
}

template <size_t N>
void set_name(char (&to)[N], const char* name) {
  std::strncpy(to, name, N);
}

trigon_sock tcp_sock() {
  trigon_sock sock{};
  sock.cookie = 0xffff888012345600;
  test::set_ipv4(sock.saddr, 10, 0, 0, 1);
  test::set_ipv4(sock.daddr, 192, 0, 2, 7);
  sock.mark = 1;
  sock.priority = 2;
  sock.family = AF_INET;
  sock.type = SOCK_STREAM;
  sock.protocol = IPPROTO_TCP;
  sock.sport = 4711;
  sock.dport = 443;
  sock.state = 1;
  return sock;
}

trigon_skb udp_skb() {
  trigon_skb skb{};
  test::set_ipv4(skb.saddr, 10, 0, 0, 1);
  test::set_ipv4(skb.daddr, 192, 0, 2, 7);
  skb.hash = 11;
  skb.len = 60;
  skb.priority = 3;
  skb.mark = 4;
  skb.sport = 4711;
  skb.dport = 53;
  skb.family = AF_INET;
  skb.protocol = IPPROTO_UDP;
  skb.secpath_len = 1;
  skb.secpath_olen = 2;
  return skb;
}

std::string credentials() {
  trigon_creds creds{};
  creds.uid = 1000;
  creds.gid = creds.egid = creds.sgid = creds.fsgid = 1000;
  creds.securebits = 1;
  creds.user_ns_level = 1;
  creds.cap_permitted = 3;
  creds.cap_effective = 1 << 13;
  creds.cap_inheritable = uint64_t{1} << 41;
  return bytes_of(creds);
}

std::string user_ns() { return bytes_of(trigon_user_ns{1, 1000, 0, kHostUserNs}); }

std::string module(uint32_t signed_ok = 0) {
  trigon_module module{};
  set_name(module.name, "nf_tables");
  module.taints = 1 << 0 | 1 << 12 | 1 << 9;
  module.signed_ok = signed_ok;
  return bytes_of(module);
}

std::string program() {
  trigon_bpf_prog prog{};
  set_name(prog.name, "probe");
  prog.type = 2;
  prog.instructions = 42;
  return bytes_of(prog);
}

std::string map() {
  trigon_bpf_map map{};
  set_name(map.name, "counts");
  map.type = 1;
  map.key_size = 4;
  map.value_size = 8;
  map.max_entries = 1024;
  return bytes_of(map);
}

std::string perf_event() {
  trigon_perf_event event{};
  set_name(event.function, "do_sys_open");
  event.type = 2;
  event.config = UINT64_MAX;
  event.probe_offset = 16;
  return bytes_of(event);
}

sockaddr_in address() {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(443);
  ::inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
  return v4;
}

std::string unix_address() {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, "/run/x");
  return bytes_of(un);
}

TEST(JsonArg, GoldenOfEveryType) {
  constexpr uint64_t kMinusFive = static_cast<uint64_t>(-5);
  const FieldSpec number{.type = TRIGON_ARG_INT32, .value = kMinusFive};
  const FieldSpec wide{.type = TRIGON_ARG_UINT64, .value = kMinusFive};
  const auto text = [](uint8_t type) { return FieldSpec{.type = type, .data = "some text"}; };
  const auto buffer = [](uint8_t type) { return FieldSpec{.type = type, .data = std::string("\0foo", 4)}; };
  const auto path = [](uint8_t type) { return FieldSpec{.type = type, .data = "/etc/passwd", .size = 0100644}; };
  const FieldSpec caps{.type = TRIGON_ARG_CAP_SET, .value = 0x1ffffffffff};
  const std::map<std::string, FieldSpec> fields = {
      {"auto", wide},
      {"int", number},
      {"int32", number},
      {"sint32", number},
      {"int16", {.type = TRIGON_ARG_INT16, .value = kMinusFive}},
      {"sint16", {.type = TRIGON_ARG_INT16, .value = kMinusFive}},
      {"int8", {.type = TRIGON_ARG_INT8, .value = kMinusFive}},
      {"sint8", {.type = TRIGON_ARG_INT8, .value = kMinusFive}},
      {"uint32", {.type = TRIGON_ARG_UINT32, .value = 200}},
      {"uint16", {.type = TRIGON_ARG_UINT16, .value = 200}},
      {"uint8", {.type = TRIGON_ARG_UINT8, .value = 200}},
      {"long", {.type = TRIGON_ARG_INT64, .value = kMinusFive}},
      {"int64", {.type = TRIGON_ARG_INT64, .value = kMinusFive}},
      {"sint64", {.type = TRIGON_ARG_INT64, .value = kMinusFive}},
      {"ulong", wide},
      {"uint64", wide},
      {"size_t", wide},
      {"string", text(TRIGON_ARG_STRING)},
      {"filename", text(TRIGON_ARG_FILENAME)},
      {"net_device", text(TRIGON_ARG_NET_DEVICE)},
      {"data_loc", text(TRIGON_ARG_DATA_LOC)},
      {"char_buf", buffer(TRIGON_ARG_CHAR_BUF)},
      {"char_iovec", buffer(TRIGON_ARG_CHAR_IOVEC)},
      {"iov_iter", buffer(TRIGON_ARG_IOV_ITER)},
      {"const_buf", buffer(TRIGON_ARG_CONST_BUF)},
      {"file", path(TRIGON_ARG_FILE)},
      {"fd", path(TRIGON_ARG_FD)},
      {"kiocb", path(TRIGON_ARG_KIOCB)},
      {"path", path(TRIGON_ARG_PATH)},
      {"dentry", path(TRIGON_ARG_DENTRY)},
      {"linux_binprm", path(TRIGON_ARG_BINPRM)},
      {"sock", {.type = TRIGON_ARG_SOCK, .data = bytes_of(tcp_sock())}},
      {"socket", {.type = TRIGON_ARG_SOCKET, .data = bytes_of(tcp_sock())}},
      {"skb", {.type = TRIGON_ARG_SKB, .data = bytes_of(udp_skb())}},
      {"sockaddr", {.type = TRIGON_ARG_SOCKADDR, .data = bytes_of(address())}},
      {"sockaddr_un", {.type = TRIGON_ARG_SOCKADDR, .data = unix_address()}},
      {"cred", {.type = TRIGON_ARG_CRED, .data = credentials()}},
      {"user_namespace", {.type = TRIGON_ARG_USER_NS, .data = user_ns()}},
      {"capability", {.type = TRIGON_ARG_INT32, .value = 21}},
      {"kernel_cap_t", caps},
      {"cap_inheritable", caps},
      {"cap_permitted", caps},
      {"cap_effective", caps},
      {"load_info", {.type = TRIGON_ARG_LOAD_INFO, .data = module()}},
      {"module", {.type = TRIGON_ARG_MODULE, .data = module()}},
      {"bpf_attr", {.type = TRIGON_ARG_BPF_ATTR, .data = program()}},
      {"bpf_prog", {.type = TRIGON_ARG_BPF_PROG, .data = program()}},
      {"bpf_map", {.type = TRIGON_ARG_BPF_MAP, .data = map()}},
      {"perf_event", {.type = TRIGON_ARG_PERF_EVENT, .data = perf_event()}},
      {"bpf_cmd", {.type = TRIGON_ARG_INT32, .value = 5}},
      {"syscall64", {.type = TRIGON_ARG_SYSCALL, .value = 59}}};
  const json expected = test::golden("arguments");
  EXPECT_EQ(expected.size(), fields.size());
  for (const auto& [type, field] : fields) {
    EXPECT_NE(arg_form(type) == ArgForm::kByField, type != "auto") << type;  // the table knows it
    EXPECT_EQ(args_of({{0, type, ""}}, {field})[0], expected.value(type, json())) << type;
  }
  EXPECT_EQ(args_of({{0, "nop", ""}, {0, "int", ""}}, {{.value = 1}}).dump(), R"([{"int_arg":1}])");
}

TEST(JsonArg, Numbers) {
  EXPECT_EQ(one("int", {.value = 0}), R"({"int_arg":0})");
  EXPECT_EQ(one("int32", {.value = 0xffffffffffffffff}), R"({"int_arg":-1})");
  EXPECT_EQ(one("uint32", {.value = 0xffffffff}), R"({"uint_arg":4294967295})");
  EXPECT_EQ(one("int64", {.value = 0}), R"({"long_arg":"0"})");
  EXPECT_EQ(one("uint64", {.value = 0}), R"({"size_arg":"0"})");
  EXPECT_EQ(one("capability", {.value = 1}), R"({"capability_arg":{"name":"DAC_OVERRIDE","value":1}})");
  EXPECT_EQ(one("capability", {.value = 99}), R"({"capability_arg":{"name":"99","value":99}})");
  EXPECT_EQ(one("bpf_cmd", {.value = 0}), R"({"bpf_cmd_arg":"BPF_MAP_CREATE"})");
  EXPECT_EQ(one("bpf_cmd", {.value = 9999}), R"({"bpf_cmd_arg":9999})");
  EXPECT_EQ(one("cap_effective", {.type = TRIGON_ARG_CAP_SET}), R"({"cap_effective_arg":"0000000000000000"})");
  EXPECT_EQ(one("syscall64", {.type = TRIGON_ARG_SYSCALL, .value = 0x80000005}),
            R"({"syscall_id":{"abi":"i386","id":5}})");
  EXPECT_EQ(one("syscall64", {.type = TRIGON_ARG_SYSCALL, .value = 0}), R"({"syscall_id":{"abi":"x64"}})");
}

TEST(JsonArg, TextAndBytes) {
  EXPECT_EQ(one("string", {.type = TRIGON_ARG_STRING, .data = ""}), R"({"string_arg":""})");
  EXPECT_EQ(one("char_buf", {.type = TRIGON_ARG_CHAR_BUF, .data = "foo", .size = 9}),
            R"({"truncated_bytes_arg":{"bytes_arg":"Zm9v","orig_size":"9"}})");
  EXPECT_EQ(one("char_buf", {.type = TRIGON_ARG_CHAR_BUF, .data = "foo", .flags = TRIGON_FIELD_TRUNCATED}),
            R"({"truncated_bytes_arg":{"bytes_arg":"Zm9v","orig_size":"3"}})");
  EXPECT_EQ(one("char_buf", {.type = TRIGON_ARG_CHAR_BUF}), R"({"bytes_arg":""})");
  // An array of characters in a tracepoint's record is a name, unless the policy wants its bytes.
  const FieldSpec comm{.type = TRIGON_ARG_CONST_BUF, .data = std::string("bash\0\0x", 7)};
  EXPECT_EQ(one("auto", comm), R"({"string_arg":"bash"})");
  EXPECT_EQ(one("string", comm), R"({"string_arg":"bash"})");
  EXPECT_EQ(one("const_buf", comm), R"({"bytes_arg":"YmFzaAAAeA=="})");
}

TEST(JsonArg, Paths) {
  const auto path = [](const std::string& data, uint16_t flags, uint32_t mode = 0) {
    return one("file", {.type = TRIGON_ARG_FILE, .data = data, .path_flags = flags, .size = mode});
  };
  EXPECT_EQ(path("/a", TRIGON_PATH_TRUNCATED), R"({"file_arg":{"flags":"unresolvedPathComponents","path":"/a"}})");
  EXPECT_EQ(path("/a", TRIGON_PATH_UNLINKED), R"_({"file_arg":{"path":"/a (deleted)"}})_");
  EXPECT_EQ(path("", 0), R"({"file_arg":{"path":"/"}})");
  EXPECT_EQ(path("", TRIGON_PATH_ERROR), R"({"error_arg":{"Message":"bad address"}})");
  const std::pair<uint32_t, const char*> modes[] = {
      {0040755, "drwxr-xr-x"}, {0104755, "-rwsr-xr-x"}, {0102644, "-rw-r-Sr--"}, {0041777, "drwxrwxrwt"},
      {0120777, "lrwxrwxrwx"}, {0020620, "crw--w----"}, {0060660, "brw-rw----"}, {0010600, "prw-------"},
      {0140777, "srwxrwxrwx"}, {0101000, "---------T"}};
  for (const auto& [mode, text] : modes) {
    EXPECT_EQ(path("/a", 0, mode), std::string(R"({"file_arg":{"path":"/a","permission":")") + text + R"("}})");
  }
}

TEST(JsonArg, SocketAddresses) {
  const auto address_of = [](const std::string& data) {
    return one("sockaddr", {.type = TRIGON_ARG_SOCKADDR, .data = data});
  };
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  ::inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
  EXPECT_EQ(address_of(bytes_of(v6, 24)), R"({"sockaddr_arg":{"addr":"2001:db8::1","family":"AF_INET6"}})");
  EXPECT_EQ(address_of(bytes_of(address(), 4)), R"({"sockaddr_arg":{"family":"AF_INET"}})");
  EXPECT_EQ(address_of(std::string("\1\0\0ab", 5)), R"({"sockaddrun_arg":{"family":"AF_UNIX","path":"@ab"}})");
  EXPECT_EQ(address_of(std::string("\1\0", 2)), R"({"sockaddrun_arg":{"family":"AF_UNIX"}})");
  sockaddr_un abstract{};
  abstract.sun_family = AF_UNIX;
  std::memcpy(abstract.sun_path, "\0a\0b", 4);  // the whole structure: what follows is padding
  EXPECT_EQ(address_of(bytes_of(abstract)), R"({"sockaddrun_arg":{"family":"AF_UNIX","path":"@a\u0000b"}})");
  EXPECT_EQ(address_of("\xe7\x03"), R"({"sockaddr_arg":{"family":"999"}})");
}

TEST(JsonArg, SocketsOfOtherFamilies) {
  const auto sock_of = [](const trigon_sock& sock) {
    return one("sock", {.type = TRIGON_ARG_SOCK, .data = bytes_of(sock)});
  };
  trigon_sock v6 = tcp_sock();
  v6.family = AF_INET6;
  v6.cookie = v6.mark = v6.priority = v6.sport = v6.dport = 0;
  v6.state = 10;
  EXPECT_EQ(sock_of(v6), R"({"sock_arg":{"daddr":"::ffff:192.0.2.7","family":"AF_INET6","protocol":"IPPROTO_TCP",)"
                         R"("saddr":"::ffff:10.0.0.1","state":"TCP_LISTEN","type":"SOCK_STREAM"}})");
  trigon_sock un{};
  un.family = AF_UNIX;
  un.type = SOCK_SEQPACKET;
  EXPECT_EQ(sock_of(un), R"({"sock_arg":{"family":"AF_UNIX","type":"SOCK_SEQPACKET"}})");
  un.family = 999;
  un.protocol = 998;
  un.state = 99;
  un.type = 7;
  EXPECT_EQ(sock_of(un), R"({"sock_arg":{"family":"999","protocol":"998","state":"99","type":"7"}})");
  trigon_skb other{};
  other.len = 28;
  EXPECT_EQ(one("skb", {.type = TRIGON_ARG_SKB, .data = bytes_of(other)}), R"({"skb_arg":{"len":28}})");
}

TEST(JsonArg, Structures) {
  const auto signature = [](uint32_t ok) {
    return json::parse(one("module", {.type = TRIGON_ARG_MODULE, .data = module(ok)}))["module_arg"].value(
        "signature_ok", json());
  };
  EXPECT_EQ(signature(1), true);
  EXPECT_EQ(signature(0), false);
  EXPECT_EQ(signature(2), json());  // the kernel cannot tell
  trigon_bpf_map map{};
  std::memset(map.name, 'x', sizeof(map.name));  // no NUL
  map.type = 777;
  EXPECT_EQ(one("bpf_map", {.type = TRIGON_ARG_BPF_MAP, .data = bytes_of(map)}),
            R"({"bpf_map_arg":{"MapName":"xxxxxxxxxxxxxxxx","MapType":"777"}})");
  EXPECT_EQ(one("perf_event", {.type = TRIGON_ARG_PERF_EVENT, .data = bytes_of(trigon_perf_event{})}),
            R"({"perf_event_arg":{"Type":"PERF_TYPE_HARDWARE"}})");
  EXPECT_EQ(one("user_namespace", {.type = TRIGON_ARG_USER_NS, .data = bytes_of(trigon_user_ns{-1, 0, 0, 5})}),
            R"({"user_ns_arg":{"gid":0,"level":-1,"ns":{"inum":5},"uid":0}})");
  // There was none.
  EXPECT_EQ(one("socket", {.type = TRIGON_ARG_SOCKET}), R"({"error_arg":{"Message":"bad address"}})");
}

TEST(JsonArg, UnreadableIsNeverEmpty) {
  EXPECT_EQ(one("string", {.type = TRIGON_ARG_STRING, .flags = TRIGON_FIELD_UNREADABLE}),
            R"({"error_arg":{"Message":"bad address"}})");
  EXPECT_EQ(one("fd", {.type = TRIGON_ARG_FD, .flags = TRIGON_FIELD_UNREADABLE}),
            R"({"error_arg":{"Message":"bad file descriptor"}})");
  EXPECT_EQ(args_of({{7, "int", "gone"}}, {{}})[0].dump(),
            R"({"error_arg":{"Message":"not captured"},"label":"gone"})");
}

// A policy's word for a field and what the record has need not agree.
TEST(JsonArg, AnyTypeOnAnyField) {
  EXPECT_EQ(one("something new", {.type = TRIGON_ARG_STRING, .data = "x"}), R"({"string_arg":"x"})");
  EXPECT_EQ(one("sock", {.type = TRIGON_ARG_INT32, .value = 3}), R"({"int_arg":3})");
  EXPECT_EQ(one("sock", {.type = TRIGON_ARG_USER_NS, .data = user_ns()}).substr(0, 15), R"({"user_ns_arg":)");
  EXPECT_EQ(one("string", {.type = TRIGON_ARG_FILE, .data = "/a", .size = 0100644}), R"({"string_arg":"/a"})");
  EXPECT_EQ(one("char_buf", {.type = TRIGON_ARG_FILE, .data = "/a", .size = 0100644}), R"({"bytes_arg":"L2E="})");
  const char* const types[] = {"int",          "size_t",   "string",     "char_buf",  "file",
                               "linux_binprm", "skb",      "sock",       "cred",      "user_namespace",
                               "capability",   "module",   "bpf_attr",   "bpf_map",   "bpf_cmd",
                               "auto",         "sockaddr", "perf_event", "syscall64", "kernel_cap_t"};
  for (uint32_t field = 0; field < 256; ++field) {
    for (const char* const type : types) {
      EXPECT_EQ(args_of({{0, type, ""}}, {{.type = static_cast<uint8_t>(field), .data = std::string(512, 'x')}}).size(),
                1u)
          << field << ' ' << type;
    }
    if (field == TRIGON_ARG_TYPES + 1) field = 254;
  }
}

}  // namespace
}  // namespace trigon::output
