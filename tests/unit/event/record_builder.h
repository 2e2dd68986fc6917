// Records as the kernel writes them, for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"

namespace trigon::test {

struct Bytes {
  std::vector<uint64_t> words;  // keeps 8-byte alignment
  size_t size = 0;

  const void* data() const { return words.data(); }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(words.data()); }
};

// A fixed part and what is appended behind it.
template <typename T>
struct RecordBuilder {
  T fixed{};
  std::string tail;

  explicit RecordBuilder(uint16_t kind) {
    fixed.rec.kind = kind;
    fixed.rec.abi = TRIGON_ABI_VERSION;
  }
  trigon_span add(std::string_view text) {
    trigon_span span{};
    if (!text.empty()) {
      span.off = static_cast<uint32_t>(sizeof(T) + tail.size());
      span.len = static_cast<uint32_t>(text.size());
      tail.append(text);
    }
    return span;
  }
  Bytes build() {
    fixed.rec.size = static_cast<uint32_t>(sizeof(T) + tail.size());
    Bytes bytes;
    bytes.size = fixed.rec.size;
    bytes.words.resize((bytes.size + 7) / 8);
    std::memcpy(bytes.bytes(), &fixed, sizeof(T));
    if (!tail.empty()) std::memcpy(bytes.bytes() + sizeof(T), tail.data(), tail.size());
    return bytes;
  }
};

// "/a/b" to "b\0a\0".
inline std::string reversed_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view leaf = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (!leaf.empty()) out.append(leaf).push_back('\0');
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  return out;
}

inline std::string vector_of(const std::vector<std::string>& strings) {
  std::string out;
  for (const std::string& text : strings) out.append(text).push_back('\0');
  return out;
}

struct ExecSpec {
  uint32_t pid = 100;
  uint64_t start_ns = 1000;
  uint64_t time_ns = 2000;
  uint32_t parent_pid = 1;
  uint64_t parent_start_ns = 10;
  std::string exe = "/usr/bin/true";
  std::vector<std::string> args = {"true"};
  std::string cwd = "/";
  std::string filename;
  std::vector<std::string> env;
  uint32_t flags = 0;
  uint32_t exe_flags = 0;
  uint16_t kind = TRIGON_REC_EXEC;
  uint32_t uid = 0;
  uint32_t pid_ns = 4026531836;
  uint32_t ns_pid = 0;  // 0: as pid
  uint64_t cgroup_id = 1;
  uint32_t args_size = 0;
  uint16_t cpu = 0;
  uint32_t lost = 0;
  uint32_t kernel_flags = 0;
};

inline RecordBuilder<trigon_exec> exec_builder(const ExecSpec& spec) {
  RecordBuilder<trigon_exec> builder(spec.kind);
  trigon_exec& exec = builder.fixed;
  exec.rec.cpu = spec.cpu;
  exec.rec.lost = spec.lost;
  exec.rec.pid = exec.rec.tid = spec.pid;
  exec.rec.start_ns = spec.start_ns;
  exec.rec.time_ns = spec.time_ns;
  exec.task.parent_pid = spec.parent_pid;
  exec.task.parent_start_ns = spec.parent_start_ns;
  exec.task.ns_pid = spec.ns_pid != 0 ? spec.ns_pid : spec.pid;
  exec.task.kernel_flags = spec.kernel_flags;
  exec.task.cgroup_id = spec.cgroup_id;
  trigon_creds& creds = exec.task.creds;
  creds.uid = creds.euid = creds.suid = creds.fsuid = spec.uid;
  creds.gid = creds.egid = creds.sgid = creds.fsgid = spec.uid;
  creds.loginuid = creds.sessionid = 4294967295u;
  exec.task.ns.pid = spec.pid_ns;
  exec.task.ns.mnt = 4026531832;
  exec.file.inode = 77;
  exec.file.nlink = 1;
  exec.file.mode = 0100755;
  exec.file.dev = 8u << 20 | 1;
  exec.flags = spec.flags;
  exec.exe.flags = spec.exe_flags;
  const std::string exe =
      (spec.exe_flags & TRIGON_PATH_PSEUDO) != 0 ? spec.exe + std::string(1, '\0') : reversed_path(spec.exe);
  exec.exe.span = builder.add(exe);
  exec.exe.components = 1;
  exec.cwd.span = builder.add(reversed_path(spec.cwd));
  exec.filename = builder.add(spec.filename);
  const std::string args = vector_of(spec.args);
  exec.args = builder.add(args);
  exec.args_size = spec.args_size != 0 ? spec.args_size : static_cast<uint32_t>(args.size());
  exec.env = builder.add(vector_of(spec.env));
  return builder;
}

inline Bytes make_exec(const ExecSpec& spec) { return exec_builder(spec).build(); }

inline Bytes make_fork(uint32_t pid, uint64_t start_ns, uint32_t parent_pid, uint64_t parent_start_ns) {
  RecordBuilder<trigon_fork> builder(TRIGON_REC_FORK);
  builder.fixed.rec.pid = builder.fixed.rec.tid = pid;
  builder.fixed.rec.start_ns = builder.fixed.rec.time_ns = start_ns;
  builder.fixed.parent_pid = parent_pid;
  builder.fixed.parent_start_ns = parent_start_ns;
  builder.fixed.ns_pid = pid;
  return builder.build();
}

inline Bytes make_exit(uint32_t pid, uint64_t start_ns, uint64_t time_ns, uint32_t code = 0) {
  RecordBuilder<trigon_exit> builder(TRIGON_REC_EXIT);
  builder.fixed.rec.pid = builder.fixed.rec.tid = pid;
  builder.fixed.rec.start_ns = start_ns;
  builder.fixed.rec.time_ns = time_ns;
  builder.fixed.code = code;
  builder.fixed.run_ns = time_ns - start_ns;
  return builder.build();
}

inline Bytes make_data(uint32_t pid, uint64_t start_ns, uint32_t what, std::string_view data) {
  RecordBuilder<trigon_exec_data> builder(TRIGON_REC_EXEC_DATA);
  builder.fixed.rec.pid = builder.fixed.rec.tid = pid;
  builder.fixed.rec.start_ns = start_ns;
  builder.fixed.what = what;
  builder.fixed.len = static_cast<uint32_t>(data.size());
  builder.tail = data;
  return builder.build();
}

struct FieldSpec {
  uint8_t type = TRIGON_ARG_INT32;
  uint64_t value = 0;
  std::string data;
  uint8_t flags = 0;
  uint16_t path_flags = 0;
  uint32_t size = 0;  // of buffers 0 means: as much as there is
};

// The bytes of a structure of abi/record.h.
template <typename T>
std::string bytes_of(const T& value, size_t size = sizeof(T)) {
  return std::string(reinterpret_cast<const char*>(&value), size);
}

// IPv4 as records carry it.
inline void set_ipv4(uint8_t (&ip)[16], uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
  std::memcpy(ip, bytes, sizeof(ip));
}

struct HookExtras {
  uint16_t hook = 0;
  uint16_t flags = 0;
  int16_t error = 0;
  int16_t signal_error = 0;
  uint32_t entry_fields = 0;
  std::vector<uint64_t> kernel_stack;
  std::vector<uint64_t> user_stack;
  std::string ima;
  uint16_t cpu = 0;
  uint32_t lost = 0;
};

inline RecordBuilder<trigon_hook_event> hook_builder(uint32_t pid, uint64_t start_ns, uint64_t time_ns,
                                                     const std::vector<FieldSpec>& fields,
                                                     std::initializer_list<uint16_t> matches = {0},
                                                     uint32_t generation = 1, const HookExtras& extras = {}) {
  RecordBuilder<trigon_hook_event> builder(TRIGON_REC_HOOK);
  trigon_hook_event& hook = builder.fixed;
  hook.rec.pid = pid;
  hook.rec.tid = pid + 1;
  hook.rec.start_ns = start_ns;
  hook.rec.time_ns = time_ns;
  hook.rec.cpu = extras.cpu;
  hook.rec.lost = extras.lost;
  hook.generation = generation;
  hook.hook = extras.hook;
  hook.flags = extras.flags;
  hook.error = extras.error;
  hook.signal_error = extras.signal_error;
  hook.entry_fields = extras.entry_fields;
  const auto add_stack = [&](const std::vector<uint64_t>& stack) {
    return builder.add({reinterpret_cast<const char*>(stack.data()), stack.size() * sizeof(uint64_t)});
  };
  hook.kernel_stack = add_stack(extras.kernel_stack);
  hook.user_stack = add_stack(extras.user_stack);
  hook.ima = builder.add(extras.ima);
  for (const uint16_t match : matches) hook.match[hook.matches++] = match;
  for (const FieldSpec& spec : fields) {
    trigon_field& field = hook.field[hook.fields++];
    field.type = spec.type;
    field.flags = spec.flags;
    field.path_flags = spec.path_flags;
    field.value = spec.value;
    field.size = spec.size;
    const bool is_buffer = spec.type == TRIGON_ARG_CHAR_BUF || spec.type == TRIGON_ARG_CHAR_IOVEC ||
                           spec.type == TRIGON_ARG_IOV_ITER || spec.type == TRIGON_ARG_CONST_BUF;
    if (is_buffer && spec.size == 0) field.size = static_cast<uint32_t>(spec.data.size());
    field.data = builder.add(spec.data);
  }
  return builder;
}

inline Bytes make_hook(uint32_t pid, uint64_t start_ns, uint64_t time_ns, const std::vector<FieldSpec>& fields,
                       std::initializer_list<uint16_t> matches = {0}, uint32_t generation = 1,
                       const HookExtras& extras = {}) {
  return hook_builder(pid, start_ns, time_ns, fields, matches, generation, extras).build();
}

// Of the thread of make_hook(pid, …).
inline Bytes make_hook_data(uint32_t pid, uint32_t field, uint32_t offset, std::string_view data,
                            const HookExtras& extras = {}) {
  RecordBuilder<trigon_hook_data> builder(TRIGON_REC_HOOK_DATA);
  builder.fixed.rec.pid = pid;
  builder.fixed.rec.tid = pid + 1;
  builder.fixed.rec.cpu = extras.cpu;
  builder.fixed.rec.lost = extras.lost;
  builder.fixed.field = field;
  builder.fixed.offset = offset;
  builder.fixed.len = static_cast<uint32_t>(data.size());
  builder.tail = data;
  return builder.build();
}

inline Bytes make_loader(uint32_t pid, uint64_t start_ns, std::string_view path, std::string_view build_id,
                         uint32_t path_flags = 0) {
  RecordBuilder<trigon_loader> builder(TRIGON_REC_LOADER);
  trigon_loader& loader = builder.fixed;
  loader.rec.pid = loader.rec.tid = pid;
  loader.rec.start_ns = start_ns;
  loader.rec.time_ns = 2'000'000'000;
  loader.file.inode = 99;
  loader.file.dev = 8u << 20 | 1;
  loader.file.nlink = 1;
  loader.file.mode = 0100644;
  loader.path_flags = path_flags;
  loader.path = builder.add(path);
  loader.build_id = builder.add(build_id);
  return builder.build();
}

}  // namespace trigon::test
