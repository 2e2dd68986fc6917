#include "policy/validate_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/suggest.h"

namespace trigon::policy {
namespace {

constexpr std::string_view kListPrefix = "list:";
constexpr std::string_view kListTypes[] = {"syscalls", "generated_syscalls", "generated_ftrace"};
// 32-bit calls carry this bit in a syscall64 value (facts, 2.2).
constexpr uint64_t kCompatBit = 0x80000000;

struct Prefix {
  std::string_view text;
  Abi abi;
};
constexpr Prefix kPrefixes[] = {{"x64/", Abi::kX64},   {"i386/", Abi::kI386},   {"arm64/", Abi::kArm64},
                                {"__x64_", Abi::kX64}, {"__ia32_", Abi::kI386}, {"__arm64_", Abi::kArm64}};

bool is_function_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '$';
  });
}

std::string_view arch_name(Arch arch) { return arch == Arch::kArm64 ? "arm64" : "x86_64"; }

// A name read as that of a system call.
struct SyscallName {
  std::optional<Target> target;
  bool elsewhere = false;  // of another machine, or not known: something that `ignore` may excuse
  std::string message;     // without target
};

SyscallName parse_syscall(std::string_view text, Arch arch) {
  SyscallName out;
  std::string_view name = text, stem;
  Abi abi = native_abi(arch);
  if (name.starts_with("arm32/")) {
    out.elsewhere = true;
    out.message = fmt::format(
        "`{}`: system calls of 32-bit ARM programs cannot be named, there are `x64/`, `i386/` and "
        "`arm64/`",
        text);
    return out;
  }
  for (const Prefix& prefix : kPrefixes) {
    if (!name.starts_with(prefix.text)) continue;
    stem = prefix.text;
    abi = prefix.abi;
    name.remove_prefix(prefix.text.size());
    break;
  }
  if (const size_t slash = name.find('/'); slash != std::string_view::npos) {
    out.message = fmt::format("unknown ABI `{}`, expected `x64`, `i386` or `arm64`", name.substr(0, slash));
    return out;
  }
  if (abi != native_abi(arch) && (abi != Abi::kI386 || arch != Arch::kX86_64)) {
    out.elsewhere = true;
    out.message = fmt::format("`{}` is for {}, this machine is {}", text, abi_name(abi), arch_name(arch));
    return out;
  }
  const std::string prefix = std::string(stem) + "sys_";
  if (!name.starts_with("sys_")) {
    if (syscall_number(abi, name)) {
      out.message = fmt::format("system calls are written with `sys_`: did you mean `{}{}`?", prefix, name);
    } else if (stem.empty() && is_function_name(name)) {
      out.elsewhere = true;
      out.message = fmt::format("`{}` is not a system call of {}: write `syscall: false` for a kernel function", text,
                                abi_name(abi));
    } else {
      out.message = unknown_syscall(text, prefix, name, abi);
    }
    return out;
  }
  name.remove_prefix(4);
  if (const auto number = syscall_number(abi, name)) {
    out.target = Target{abi, *number};
  } else {
    out.elsewhere = true;
    out.message = unknown_syscall(text, prefix, name, abi);
  }
  return out;
}

std::vector<Call> every_syscall(Arch arch) {
  std::vector<Call> calls;
  const Abi abi = native_abi(arch);
  for (const SyscallNumber& entry : syscall_table(abi)) {
    calls.push_back({.name = fmt::format("sys_{}", entry.name), .target = Target{abi, entry.number}});
  }
  return calls;
}

const List* find_list(std::string_view text, Position at, const Context& context) {
  const std::string_view name = text.substr(kListPrefix.size());
  std::vector<std::string_view> names;
  for (const List& list : context.lists) {
    if (list.name == name) return &list;
    names.push_back(list.name);
  }
  context.sink.error(at,
                     fmt::format("`{}`: there is no list `{}` in spec.lists{}", text, name, did_you_mean(name, names)));
  return nullptr;
}

class CallReader {
 public:
  CallReader(std::string_view field, bool may_be_absent, const Context& context)
      : field_(field), may_be_absent_(may_be_absent), context_(context) {}

  std::optional<std::vector<Call>> single(const std::string& text, Position at, std::optional<bool> syscall) {
    std::vector<Call> calls;
    const bool ok = syscall.value_or(true) ? add_syscall(text, at, calls) : add_function(text, at, calls);
    return ok ? std::optional(std::move(calls)) : std::nullopt;
  }

  std::optional<std::vector<Call>> list(const std::string& text, Position at, std::optional<bool> syscall) {
    const List* list = find_list(text, at, context_);
    if (!list || !list->valid) return std::nullopt;
    const bool syscalls = list->type == List::Type::kSyscalls || list->type == List::Type::kGeneratedSyscalls;
    if (syscall && *syscall != syscalls) {
      context_.sink.error(at, fmt::format("{}: list `{}` holds {}, `syscall: {}` contradicts that", field_, list->name,
                                          syscalls ? "system calls" : "kernel functions", *syscall));
      return std::nullopt;
    }
    if (list->type == List::Type::kGeneratedSyscalls) return every_syscall(context_.options.arch);
    if (list->type == List::Type::kGeneratedFtrace) return generated(*list, at);
    std::vector<Call> calls;
    bool ok = true;
    for (const auto& [name, position] : list->values) {
      // Syscalls were looked up when the list was read.
      ok = (syscalls ? add_syscall(name, position, calls) : add_function(name, at, calls)) && ok;
    }
    return ok ? std::optional(std::move(calls)) : std::nullopt;
  }

 private:
  bool add_syscall(const std::string& text, Position at, std::vector<Call>& calls) {
    SyscallName parsed = parse_syscall(text, context_.options.arch);
    if (!parsed.target && !(parsed.elsewhere && may_be_absent_)) {
      context_.sink.error(at, fmt::format("{}: {}", field_, parsed.message));
      return false;
    }
    calls.push_back({.name = text, .target = parsed.target, .absent = !parsed.target});
    return true;
  }

  bool add_function(const std::string& text, Position at, std::vector<Call>& calls) {
    if (!is_function_name(text)) {
      context_.sink.error(at, fmt::format("{}: `{}` is not the name of a kernel function", field_, text));
      return false;
    }
    calls.push_back({.name = text});
    return true;
  }

  std::optional<std::vector<Call>> generated(const List& list, Position at) {
    std::vector<Call> calls;
    if (!context_.kernel()) {
      calls.push_back({.name = list.pattern, .unresolved = true});
      return calls;
    }
    auto names = context_.kernel()->functions(list.pattern);
    if (!names.ok()) {
      context_.sink.error(at, fmt::format("{}: list `{}`: {}", field_, list.name, names.error().message()));
      return std::nullopt;
    }
    if (names->empty() || names->size() > TRIGON_MAX_HOOKS) {
      context_.sink.error(at, names->empty()
                                  ? fmt::format("{}: list `{}`: no function of this kernel matches `{}`", field_,
                                                list.name, list.pattern)
                                  : fmt::format("{}: list `{}`: {} functions match `{}`, at most {} can be hooked",
                                                field_, list.name, names->size(), list.pattern, TRIGON_MAX_HOOKS));
      return std::nullopt;
    }
    for (std::string& name : *names) calls.push_back({.name = std::move(name)});
    return calls;
  }

  std::string_view field_;
  bool may_be_absent_;
  const Context& context_;
};

List::Type read_list_type(const Fields& fields, List& list) {
  const auto type = fields.string("type");
  if (!type || type->empty()) return List::Type::kFunctions;
  if (*type == "syscalls") return List::Type::kSyscalls;
  if (*type == "generated_syscalls") return List::Type::kGeneratedSyscalls;
  if (*type == "generated_ftrace") return List::Type::kGeneratedFtrace;
  fields.error(fields.find("type")->position,
               fmt::format("type: expected {} or nothing (kernel functions), found `{}`{}", quoted_list(kListTypes),
                           *type, did_you_mean(*type, kListTypes)));
  list.valid = false;
  return List::Type::kFunctions;
}

void check_list_value(const Fields& fields, const List& list, const std::string& text, Position at, Arch arch) {
  if (list.type == List::Type::kSyscalls) {
    if (const SyscallName parsed = parse_syscall(text, arch); !parsed.target) fields.error(at, parsed.message);
    return;
  }
  if (!is_function_name(text)) return fields.error(at, fmt::format("`{}` is not the name of a kernel function", text));
  if (parse_syscall(text, arch).target) {
    fields.error(at, fmt::format("`{}` is a system call: the list needs `type: syscalls`", text));
  }
}

}  // namespace

std::string unknown_syscall(std::string_view written, std::string_view prefix, std::string_view name, Abi abi) {
  const auto names = syscall_names(abi);
  const auto near = nearest(name, names);
  return fmt::format("`{}` is not a system call of {}{}", written, abi_name(abi),
                     near ? fmt::format(", did you mean `{}{}`?", prefix, *near) : std::string());
}

std::vector<List> read_lists(const Fields& spec, const Options& options) {
  std::vector<List> lists;
  std::set<std::string> names;
  const auto nodes = spec.list("lists");
  for (size_t i = 0; i < nodes.size(); ++i) {
    const size_t before = spec.sink().count();
    const Fields fields(nodes[i], item_name("lists", i), {{"name", "type", "values", "pattern", "validated"}},
                        spec.sink());
    if (!fields.is_map()) continue;
    List list;
    if (fields.require("name")) list.name = fields.string("name").value_or("");
    list.type = read_list_type(fields, list);
    const bool plain = list.type == List::Type::kFunctions || list.type == List::Type::kSyscalls;
    if (list.type == List::Type::kGeneratedFtrace && fields.require("pattern")) {
      list.pattern = fields.string("pattern").value_or("");
      if (list.pattern.empty())
        fields.error(fields.find("pattern")->position, "pattern: expected a regular expression");
    }
    if (plain && list.valid) {
      std::set<std::string> seen;
      for (auto& [text, at] : fields.values("values")) {
        if (!seen.insert(text).second) {
          fields.error(at, fmt::format("`{}` stands twice in list `{}`", text, list.name));
          continue;
        }
        check_list_value(fields, list, text, at, options.arch);
        list.values.emplace_back(text, at);
      }
      if (seen.empty())
        fields.error(fields.position(), fmt::format("{}: `values` is missing or empty", fields.where()));
    }
    if (!list.name.empty() && !names.insert(list.name).second) {
      fields.error(fields.find("name")->position, fmt::format("a list named `{}` already exists", list.name));
    }
    list.valid = spec.sink().count() == before;
    lists.push_back(std::move(list));
  }
  return lists;
}

std::optional<std::vector<Call>> read_call(const Node& node, std::string_view field, std::optional<bool> syscall,
                                           bool may_be_absent, const Context& context) {
  const auto text = read_string(node, field, context.sink);
  if (!text) return std::nullopt;
  CallReader reader(field, may_be_absent, context);
  return text->starts_with(kListPrefix) ? reader.list(*text, node.position, syscall)
                                        : reader.single(*text, node.position, syscall);
}

std::optional<std::vector<uint64_t>> read_syscall_list(std::string_view text, Position at, const Context& context) {
  const List* list = find_list(text, at, context);
  if (!list || !list->valid) return std::nullopt;
  std::vector<uint64_t> numbers;
  switch (list->type) {
    case List::Type::kGeneratedSyscalls:
      for (const Call& call : every_syscall(context.options.arch)) numbers.push_back(call.target->number);
      return numbers;
    case List::Type::kSyscalls:
      for (const auto& [name, position] : list->values) {
        const SyscallName parsed = parse_syscall(name, context.options.arch);
        if (!parsed.target) return std::nullopt;  // said when the list was read
        numbers.push_back(parsed.target->number | (parsed.target->abi == Abi::kI386 ? kCompatBit : 0));
      }
      return numbers;
    default:
      context.sink.error(at, fmt::format("`{}` is no list of system calls: it needs `type: syscalls`", text));
      return std::nullopt;
  }
}

}  // namespace trigon::policy
