// What validation wants to know of the kernel that a policy is for. policy/ sees no libbpf and no kernel: the engine
// answers for the running one, tests and `policy check` on a laptop answer from nothing or from a profile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bpf/abi/policy.h"
#include "bpf/abi/record.h"

namespace trigon::policy {

// A type as a prototype or a structure has it, const, typedef and the like removed.
struct KernelType {
  enum class Kind { kVoid, kInteger, kEnum, kPointer, kStruct, kUnion, kArray, kFloat, kOther };
  Kind kind = Kind::kVoid;
  uint32_t size = 0;  // bytes; of a pointer 8
  bool is_signed = false;
  std::string name;  // of the integer, enum or structure; of a pointer: of what it points to ("file", "char", "")
  Kind pointee = Kind::kVoid;  // of a pointer
};

struct Prototype {
  std::vector<KernelType> args;
  KernelType result;
};

// One line of a tracepoint's format file, in its order, common_* fields included.
struct TracepointField {
  std::string type;  // as written there: "const char *", "__data_loc char[]", "unsigned long"
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
  bool is_signed = false;
  uint32_t array = 0;  // elements; 0: no array
  bool data_loc = false;
};

// Where a `resolve` path leads: what of trigon_field_conf it decides.
struct Resolved {
  std::vector<uint32_t> offsets;  // at each but the last a pointer is loaded
  KernelType type;                // of the last member
  uint8_t bits = 0, bit_off = 0;  // of a bit-field
};

class KernelInfo {
 public:
  virtual ~KernelInfo() = default;

  // Of a function that can be hooked. kUnsupported: there is no such function here (the sentence says so and names a
  // near one).
  virtual Result<Prototype> function(const std::string& name) const = 0;
  // LSM hook without prefix ("file_open").
  virtual Result<Prototype> lsm(const std::string& hook) const = 0;
  // The arguments of its TP_PROTO.
  virtual Result<Prototype> raw_tracepoint(const std::string& event) const = 0;
  virtual Result<std::vector<TracepointField>> tracepoint(const std::string& subsystem,
                                                          const std::string& event) const = 0;
  // Names of functions that can be traced, for lists of type generated_ftrace; `pattern` is a regular expression (RE2
  // syntax, not anchored).
  virtual Result<std::vector<std::string>> functions(const std::string& pattern) const = 0;
  // From parameter `arg` of `prototype`'s owner: `start` is the structure's name ("linux_binprm"), `module` that of the
  // module whose types have it, or empty. `path` is "a.b[3].c".
  virtual Result<Resolved> resolve(const std::string& start, const std::string& module,
                                   const std::string& path) const = 0;
  // The byte offset of a register in struct pt_regs ("rdi", "rip"; "x0" on arm64).
  virtual std::optional<uint32_t> pt_regs_offset(std::string_view name) const = 0;
  // Inode numbers of the host's namespaces (`host_ns`).
  virtual trigon_namespaces host_namespaces() const = 0;
};

}  // namespace trigon::policy
