#include "policy/validate_args.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/types.h"

namespace trigon::policy {
namespace {

constexpr uint32_t kRegisters = 6;
// The format file of a system call's tracepoint starts with four common_* fields, then the number.
constexpr uint32_t kNumberField = 4;
constexpr uint32_t kFirstField = 5;
constexpr uint32_t kMaxSizeArgIndex = 15;
// sizeof(struct sockaddr_storage) of the uapi headers: no address is longer.
constexpr uint32_t kMaxSockaddr = 128;
// Largest buffer that users of the format expect whole (facts: 4095 without maxData).
constexpr uint32_t kMaxBuffer = 4095;

bool is_later_type(std::string_view name) {
  const auto later = later_types();
  return std::find(later.begin(), later.end(), name) != later.end();
}

uint32_t max_bytes(uint8_t arg_type) {
  switch (arg_type) {
    case TRIGON_ARG_STRING:
    case TRIGON_ARG_FD:
      return TRIGON_MAX_PATH;
    case TRIGON_ARG_CHAR_BUF:
      return kMaxBuffer;
    case TRIGON_ARG_SOCKADDR:
      return kMaxSockaddr;
    default:
      return 0;
  }
}

class ArgReader {
 public:
  ArgReader(const Node& node, std::string where, ArgIndexing indexing, const Hook& hook, Sink& sink)
      : fields_(node, std::move(where),
                {{"index", "type", "label", "sizeArgIndex"},
                 {"resolve", "btfType", "btfTypeModule", "source", "returnCopy", "maxData"}},
                sink),
        indexing_(indexing),
        hook_(hook) {}

  // `names` of the system call's parameters, when they are known.
  bool read(const std::optional<std::vector<std::string_view>>& names, Arg& arg) {
    if (!fields_.is_map()) return false;
    const size_t before = fields_.sink().count();
    const Node* index = fields_.require("index");
    const auto value = index ? fields_.number("index", 0, kFirstField + kRegisters - 1) : std::nullopt;
    read_type(arg);
    arg.label = fields_.string("label").value_or("");
    if (!value || fields_.sink().count() != before) return false;
    arg.index = static_cast<uint32_t>(*value);
    place(index->position, names, arg);
    return fields_.sink().count() == before;
  }

 private:
  void read_type(Arg& arg) {
    const Node* node = fields_.find("type");
    if (!node || (node->is_scalar() && node->scalar == "auto")) {
      if (indexing_ == ArgIndexing::kRawSyscalls) return;  // the two fields have one natural type each
      if (node) {
        fields_.error(node->position, not_supported("auto"));
      } else {
        fields_.error(fields_.position(), fmt::format("{}: `type` is missing", fields_.where()));
      }
      return;
    }
    arg.type = fields_.string("type").value_or("nop");
    const TypeInfo* info = find_type(arg.type);
    if (!info) {
      fields_.error(node->position, is_later_type(arg.type)
                                        ? not_supported(arg.type)
                                        : fmt::format("unknown type `{}`{}", arg.type, suggestion(arg.type)));
      return;
    }
    apply(*info, arg);
  }

  static std::string suggestion(std::string_view word) {
    auto names = type_names();
    names.insert(names.end(), later_types().begin(), later_types().end());
    return did_you_mean(word, names);
  }

  static void apply(const TypeInfo& info, Arg& arg) {
    arg.type = info.name;
    arg.kind = info.kind;
    arg.is_signed = info.is_signed;
    arg.bits = info.bits;
    arg.conf.type = info.arg_type;
    arg.conf.max = max_bytes(info.arg_type);
  }

  // From the index to a register, or to the system call's number.
  void place(Position at, const std::optional<std::vector<std::string_view>>& names, Arg& arg) {
    uint32_t parameter = arg.index;
    if (indexing_ != ArgIndexing::kParameter) {
      if (arg.index < kNumberField) {
        return fields_.error(at,
                             "index: the common_* fields of a tracepoint (0 to 3) are known but not supported by "
                             "this version");
      }
      if (arg.index == kNumberField) return place_number(at, arg);
      if (indexing_ == ArgIndexing::kRawSyscalls) return place_array(at, arg);
      parameter = arg.index - kFirstField;
    }
    if (arg.conf.type == TRIGON_ARG_SYSCALL) {
      return fields_.error(at, "type `syscall64` is the number of the system call: index 4 of a tracepoint");
    }
    if (parameter >= kRegisters) {
      return fields_.error(at, fmt::format("index: a system call has at most {} arguments", kRegisters));
    }
    if (names && parameter >= names->size()) return too_high(at, arg.index, *names);
    arg.conf.arg = static_cast<uint8_t>(parameter);
    place_size(parameter, arg);
  }

  void place_number(Position at, Arg& arg) {
    if (arg.type.empty()) apply(*find_type("syscall64"), arg);
    if (arg.conf.type == TRIGON_ARG_NONE) return;
    if (arg.kind != ValueKind::kNumber) {
      return fields_.error(
          at, fmt::format("index: field 4 is the number of the system call, type `{}` does not apply", arg.type));
    }
    arg.conf.type = TRIGON_ARG_SYSCALL;
    // Whatever it is called: bit 31 marks 32-bit calls, so it is never a negative number.
    arg.is_signed = false;
    arg.bits = 32;
    no_size();
  }

  void place_array(Position at, Arg& arg) {
    if (arg.index != kFirstField) {
      return fields_.error(at, "index: raw_syscalls/sys_enter has the fields 4 (number) and 5 (arguments)");
    }
    if (arg.type.empty()) apply(*find_type("size_t"), arg);
    if (arg.conf.type == TRIGON_ARG_NONE) return;
    if (arg.conf.type != TRIGON_ARG_UINT64 && arg.conf.type != TRIGON_ARG_INT64) {
      return fields_.error(
          at, fmt::format("index: field 5 is an array of six 64-bit values, type `{}` does not apply", arg.type));
    }
    arg.spread = kRegisters;
    arg.kind = ValueKind::kNone;
    no_size();
  }

  void no_size() {
    if (const Node* node = fields_.find("sizeArgIndex")) {
      fields_.error(node->position, "sizeArgIndex applies to char_buf and sockaddr");
    }
  }

  // One-based, in the count that `index` uses.
  void place_size(uint32_t parameter, Arg& arg) {
    const Node* node = fields_.find("sizeArgIndex");
    if (arg.conf.type != TRIGON_ARG_CHAR_BUF && arg.conf.type != TRIGON_ARG_SOCKADDR) {
      if (node && !(node->scalar == "0")) no_size();
      return;
    }
    const auto value = fields_.number("sizeArgIndex", 0, kMaxSizeArgIndex);
    if (node && !value) return;
    if (value.value_or(0) == 0) {
      if (arg.conf.type == TRIGON_ARG_CHAR_BUF) {
        return fields_.error(fields_.position(),
                             fmt::format("{}: `char_buf` needs `sizeArgIndex`, the position (from 1) of the argument "
                                         "that holds its size",
                                         fields_.where()));
      }
      if (parameter + 1 >= kRegisters) {
        return fields_.error(
            fields_.position(),
            fmt::format("{}: `sockaddr` needs `sizeArgIndex` here, there is no next argument", fields_.where()));
      }
      arg.conf.size_arg = static_cast<uint8_t>(parameter + 2);
      return;
    }
    const uint64_t first = indexing_ == ArgIndexing::kParameter ? 0 : kFirstField;
    if (*value <= first || *value - first > kRegisters) {
      return fields_.error(node->position, fmt::format("sizeArgIndex: expected {} to {} (positions count from 1), "
                                                       "found {}",
                                                       first + 1, first + kRegisters, *value));
    }
    arg.conf.size_arg = static_cast<uint8_t>(*value - first);
  }

  void too_high(Position at, uint32_t index, const std::vector<std::string_view>& names) {
    const uint32_t first = indexing_ == ArgIndexing::kParameter ? 0 : kFirstField;
    std::string list;
    for (size_t i = 0; i < names.size(); ++i) {
      list += fmt::format("{}{} {}", i ? ", " : "", first + i, names[i]);
    }
    fields_.error(
        at, fmt::format("index: {} has no argument {}: it has {}", syscall_name(hook_.target.abi, hook_.target.number),
                        index, list.empty() ? std::string("none") : list));
  }

  Fields fields_;
  ArgIndexing indexing_;
  const Hook& hook_;
};

}  // namespace

bool read_args(const Fields& fields, ArgIndexing indexing, bool hook_known, Hook& hook) {
  std::optional<std::vector<std::string_view>> names;
  // A 32-bit ABI splits 64-bit parameters over two registers, so its counts differ.
  if (hook_known && !hook.raw_syscalls && hook.target.abi != Abi::kI386) {
    names = syscall_args(syscall_name(hook.target.abi, hook.target.number));
  }
  const size_t before = fields.sink().count();
  const auto list = fields.list("args");
  for (size_t i = 0; i < list.size(); ++i) {
    Arg arg;
    const bool ok =
        ArgReader(list[i], fields.where() + "." + item_name("args", i), indexing, hook, fields.sink()).read(names, arg);
    const bool repeated =
        ok && std::any_of(hook.args.begin(), hook.args.end(), [&](const Arg& a) { return a.index == arg.index; });
    if (repeated) {
      fields.error(list[i].position,
                   fmt::format("{}.args[{}]: index {} is declared twice", fields.where(), i, arg.index));
    }
    hook.args.push_back(std::move(arg));
  }
  return fields.sink().count() == before;
}

}  // namespace trigon::policy
