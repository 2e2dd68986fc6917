// A kernel for tests: prototypes as C would declare them, records of tracepoints, members of structures. Shapes are
// those of Linux 6.12.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "policy/kernel_info.h"
#include "policy/registers.h"

namespace trigon::policy {

// "struct file *", "unsigned int", "char [16]", "bpfptr_t" (a structure of 16 bytes).
inline KernelType kernel_type(std::string text) {
  using Kind = KernelType::Kind;
  KernelType out;
  const auto strip = [&](const std::string& word) {
    const size_t at = text.find(word);
    if (at == std::string::npos) return false;
    text.erase(at, word.size());
    return true;
  };
  strip("const ");
  bool pointer = strip("*");
  const bool twice = pointer && strip("*");
  uint32_t elements = 0;
  if (const size_t bracket = text.find('['); bracket != std::string::npos) {
    elements = static_cast<uint32_t>(std::stoul(text.substr(bracket + 1)));
    text.erase(bracket);
  }
  while (text.ends_with(' ')) text.pop_back();
  while (text.starts_with(' ')) text.erase(0, 1);
  Kind kind = Kind::kInteger;
  if (text.starts_with("struct ") || text == "bpfptr_t" || text == "kernel_cap_t") kind = Kind::kStruct;
  if (text.starts_with("union ")) kind = Kind::kUnion;
  if (text.starts_with("enum ")) kind = Kind::kEnum;
  if (text == "void") kind = Kind::kVoid;
  const uint32_t size = text == "char" || text == "_Bool" || text == "unsigned char" ? 1
                        : text.find("short") != std::string::npos                    ? 2
                        : text.find("long") != std::string::npos || text == "size_t" ? 8
                        : text == "bpfptr_t"                                         ? 16
                        : kind == Kind::kStruct || kind == Kind::kUnion              ? 64
                        : kind == Kind::kVoid                                        ? 0
                                                                                     : 4;
  out.is_signed = kind == Kind::kInteger && !text.starts_with("unsigned") && text != "size_t" && text != "_Bool";
  out.name = text.substr(text.find(' ') != std::string::npos && kind != Kind::kInteger ? text.find(' ') + 1 : 0);
  out.kind = kind;
  out.size = size;
  if (elements) {
    out.kind = Kind::kArray;
    out.pointee = kind;
    out.size = size * elements;
    out.is_signed = false;
  }
  if (!pointer) return out;
  out.kind = Kind::kPointer;
  out.pointee = twice ? Kind::kPointer : kind;
  if (twice) out.name.clear();
  out.size = 8;
  out.is_signed = false;
  return out;
}

// "int f(struct file *, int)"
inline std::pair<std::string, Prototype> kernel_function(const std::string& text) {
  const size_t open = text.find('(');
  const size_t blank = text.find_last_of(" *", open);
  Prototype out;
  out.result = kernel_type(text.substr(0, blank + 1));
  std::string rest = text.substr(open + 1, text.size() - open - 2);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    out.args.push_back(kernel_type(rest.substr(0, comma)));
    rest.erase(0, comma + 1);
  }
  return {text.substr(blank + 1, open - blank - 1), out};
}

class FakeKernel : public KernelInfo {
 public:
  explicit FakeKernel(std::vector<std::string> declarations) {
    for (const std::string& text : declarations) functions_.insert(kernel_function(text));
    host_.uts = 1;
    host_.ipc = 2;
    host_.mnt = 3;
    host_.pid = 4;
    host_.pid_for_children = 5;
    host_.net = 6;
    host_.cgroup = 7;
    host_.user = 8;  // and no time namespaces
  }

  std::map<std::string, Resolved> paths;  // "linux_binprm.mm.owner"
  std::map<std::string, std::vector<TracepointField>> records;

  Result<Prototype> function(const std::string& name) const override { return find("", name, "function"); }
  Result<Prototype> lsm(const std::string& hook) const override { return find("bpf_lsm_", hook, "LSM hook"); }
  Result<Prototype> raw_tracepoint(const std::string& event) const override {
    return find("trace_", event, "tracepoint");
  }
  Result<std::vector<TracepointField>> tracepoint(const std::string& subsystem,
                                                  const std::string& event) const override {
    const auto found = records.find(subsystem + "/" + event);
    if (found != records.end()) return found->second;
    return Error(ErrorCode::kUnsupported, "this kernel has no tracepoint `" + subsystem + "/" + event + "`");
  }
  Result<std::vector<std::string>> functions(const std::string& pattern) const override {
    std::vector<std::string> out;
    for (const auto& [name, prototype] : functions_) {
      if (name.find(pattern) != std::string::npos) out.push_back(name);
    }
    return out;
  }
  Result<Resolved> resolve(const std::string& start, const std::string& module,
                           const std::string& path) const override {
    const auto found = paths.find((module.empty() ? "" : module + ":") + start + "." + path);
    if (found != paths.end()) return found->second;
    return Error(ErrorCode::kUnsupported, "struct " + start + " has no member `" + path + "`");
  }
  std::optional<uint32_t> pt_regs_offset(std::string_view name) const override {
    return register_offset(Arch::kX86_64, name);
  }
  trigon_namespaces host_namespaces() const override { return host_; }

 private:
  Result<Prototype> find(const std::string& prefix, const std::string& name, const std::string& what) const {
    const auto found = functions_.find(prefix + name);
    if (found != functions_.end()) return found->second;
    return Error(ErrorCode::kUnsupported, "this kernel has no " + what + " `" + name + "`");
  }

  std::map<std::string, Prototype> functions_;
  trigon_namespaces host_{};
};

}  // namespace trigon::policy
