#include "policy/validate_args.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/registers.h"
#include "policy/types.h"

namespace trigon::policy {
namespace {

using Kind = ArgPlace::Kind;

// The format file of a system call's tracepoint starts with four common_* fields, then the number.
constexpr uint32_t kNumberField = 4;
constexpr uint32_t kFirstField = 5;
constexpr uint32_t kMaxSizeArgIndex = 15;
// args and data of one entry together: what the compiler can carry for several policies at a hook is
// TRIGON_MAX_FIELDS.
constexpr size_t kMaxValues = 10;
// Facts, 1.11: members of a `resolve` path.
constexpr size_t kMaxDepth = 10;
// Numbers of an array in a tracepoint's record that become fields; a longer one stays a buffer.
constexpr uint32_t kMaxSpread = 8;

bool is_buffer(uint8_t type) {
  return type == TRIGON_ARG_CHAR_BUF || type == TRIGON_ARG_CHAR_IOVEC || type == TRIGON_ARG_IOV_ITER;
}
bool takes_size(uint8_t type) {
  return type == TRIGON_ARG_CHAR_BUF || type == TRIGON_ARG_CHAR_IOVEC || type == TRIGON_ARG_SOCKADDR;
}

bool is_pointer(const KernelType& type) { return type.kind == KernelType::Kind::kPointer; }
bool is_composite(const KernelType& type) {
  using K = KernelType::Kind;
  return type.kind == K::kStruct || type.kind == K::kUnion || type.kind == K::kArray;
}

// Registers that a parameter takes: a structure of up to 16 bytes travels in two, a larger one on the stack (System V
// ABI; that of arm64 passes a pointer).
uint8_t registers_of(const KernelType& type) {
  if (!is_composite(type) || type.size <= 8) return 1;
  return type.size <= 16 ? 2 : 0;
}

class ArgReader {
 public:
  ArgReader(const Node& node, std::string where, Role role, const ArgPlace& place, const Context& context,
            const Hook& hook)
      : fields_(node, std::move(where),
                {{"index", "type", "label", "sizeArgIndex", "resolve", "btfType", "btfTypeModule", "source",
                  "returnCopy", "maxData"},
                 {},
                 {{"extractParam", "`resolve`"},
                  {"overwriteType", "the type as `type`"},
                  {"size", "`type: const_buf` in tracepoints; arrays of other hooks are read by `resolve`"}}},
                context.sink),
        role_(role),
        place_(place),
        context_(context),
        hook_(hook) {}

  // Whether the entry reads registers of pt_regs.
  bool reads_registers() const { return reads_registers_; }

  bool read(Arg& arg) {
    if (!fields_.is_map()) return false;
    const size_t before = fields_.sink().count();
    at_ = fields_.position();
    if (role_ == Role::kArg || fields_.find("index")) {
      const Node* index = fields_.require("index");
      if (index) at_ = index->position;
      const uint64_t most = role_ == Role::kArg ? place_.max_index : UINT32_MAX;
      const auto value = index ? fields_.number("index", 0, most) : std::nullopt;
      arg.index = static_cast<uint32_t>(value.value_or(0));
    }
    read_type(arg);
    arg.label = fields_.string("label").value_or("");
    resolve_ = fields_.string("resolve").value_or("");
    if (fields_.sink().count() != before) return false;
    read_source(arg);
    if (fields_.sink().count() == before) put(arg);
    if (fields_.sink().count() == before) read_flags(arg);
    if (fields_.sink().count() == before) read_size(arg);
    return fields_.sink().count() == before;
  }

  const std::string& resolve_path() const { return resolve_; }

 private:
  void error(Position at, std::string message) const { fields_.error(at, std::move(message)); }
  Position position_of(std::string_view field) const {
    const Node* node = fields_.find(field);
    return node ? node->position : fields_.position();
  }

  // -- the type

  void read_type(Arg& arg) {
    const Node* node = fields_.find("type");
    if (!node || (node->is_scalar() && (node->scalar == "auto" || node->scalar.empty()))) {
      auto_ = true;
      return;
    }
    arg.type = fields_.string("type").value_or("nop");
    info_ = find_type(arg.type);
    if (!info_) {
      error(node->position, fmt::format("unknown type `{}`{}", arg.type, did_you_mean(arg.type, type_names())));
      return;
    }
    apply(arg);
  }

  void apply(Arg& arg) const {
    arg.type = info_->name;
    arg.kind = info_->kind;
    arg.is_signed = info_->is_signed;
    arg.bits = info_->bits;
    arg.conf.type = info_->arg_type;
    arg.conf.max = info_->max;
  }

  // `auto` of something that only the kernel knows.
  void leave_open(Arg& arg) const {
    arg.unresolved = true;
    if (auto_) arg.type = "auto";
  }

  void take(const TypeInfo* info, Arg& arg) {
    info_ = info;
    apply(arg);
  }

  void needs_type() const {
    error(fields_.find("type") ? position_of("type") : fields_.position(),
          fmt::format(
              "{}: `type` is missing{}", fields_.where(),
              place_.kind == Kind::kUser || place_.kind == Kind::kSyscall ? ", nothing tells what this value is" : ""));
  }

  // What the kernel calls it must be what the policy calls it.
  bool check(const std::string& what, const KernelType& type) {
    if (accepts(*info_, type)) return true;
    error(position_of("type"), fmt::format("type `{}` contradicts the kernel: {} is `{}`{}", info_->name, what,
                                           describe(type), suggestion(type)));
    return false;
  }
  static std::string suggestion(const KernelType& type) {
    const TypeInfo* natural = natural_type(type);
    return natural ? fmt::format(" (`type: {}`)", natural->name) : std::string();
  }
  bool choose(const std::string& what, const KernelType& type, Arg& arg) {
    if (!auto_) return check(what, type);
    if (const TypeInfo* natural = natural_type(type)) {
      take(natural, arg);
      return true;
    }
    error(at_, fmt::format("{}: {} is `{}`, for which there is no `auto`: write a type", fields_.where(), what,
                           describe(type)));
    return false;
  }

  // -- where it comes from

  void read_source(Arg& arg) {
    const Node* node = fields_.find("source");
    const auto source = node ? fields_.string("source") : std::nullopt;
    if (role_ == Role::kReturn) {
      arg.conf.source = TRIGON_FROM_RETURN;
      arg.conf.flags |= TRIGON_CONF_AT_RETURN;
    }
    if (role_ != Role::kData) {
      if (node) error(node->position, "`source` belongs to `data`");
      return;
    }
    constexpr std::string_view kSources[] = {"current_task", "pt_regs"};
    if (!node)
      return error(fields_.position(),
                   fmt::format("{}: `source` is missing, one of {}", fields_.where(), quoted_list(kSources)));
    if (!source) return;
    if (resolve_.empty()) {
      return error(fields_.position(),
                   fmt::format("{}: `resolve` is missing: {}", fields_.where(),
                               *source == "pt_regs" ? "the name of a register" : "a member of struct task_struct"));
    }
    if (*source == "current_task") {
      arg.conf.source = TRIGON_FROM_TASK;
    } else if (*source == "pt_regs") {
      arg.conf.source = TRIGON_FROM_REG;
    } else {
      error(node->position, fmt::format("source: expected {}, found `{}`{}", quoted_list(kSources), *source,
                                        did_you_mean(*source, kSources)));
    }
  }

  void put(Arg& arg) {
    if (role_ == Role::kData && place_.kind == Kind::kSyscall) {
      return error(fields_.position(),
                   fmt::format("{}: all system calls share one program, which reads arguments only: with the function "
                               "of the call (`__x64_sys_*`, `__arm64_sys_*`) and `syscall: false` there can be `data`",
                               fields_.where()));
    }
    if (arg.conf.source == TRIGON_FROM_REG) return put_register(arg);
    if (arg.conf.source == TRIGON_FROM_TASK) return put_resolved(nullptr, "task_struct", arg);
    switch (place_.kind) {
      case Kind::kSyscall:
      case Kind::kFormatField:
      case Kind::kRawSyscalls:
        return put_syscall(arg);
      case Kind::kRecord:
        return put_record(arg);
      case Kind::kFunction:
      case Kind::kUser:
        break;
    }
    put_parameter(arg);
  }

  void put_register(Arg& arg) {
    if (!place_.registers) {
      return error(position_of("source"), "source: `pt_regs` is there for `kprobes` on functions and for `uprobes`");
    }
    const Arch arch = context_.options.arch;
    const auto offset = register_offset(arch, resolve_);
    if (!offset) {
      return error(position_of("resolve"),
                   fmt::format("resolve: `{}` is no register of {}{}", resolve_, abi_name(native_abi(arch)),
                               register_suggestion(arch, resolve_)));
    }
    if (auto_) take(find_type("uint64"), arg);
    if (info_->shape == Shape::kRecord) return only_in_records();
    reads_registers_ = true;
    arg.conf.off[0] = *offset;
    arg.conf.size = 8;
    arg.conf.flags |= TRIGON_CONF_LOAD;
  }

  void only_in_records() const {
    if (info_->arg_type == TRIGON_ARG_SYSCALL) {
      return error(at_, "type `syscall64` is the number of the system call: index 4 of a tracepoint");
    }
    error(position_of("type"), fmt::format("type `{}` is only in the records of tracepoints", info_->name));
  }

  // -- parameters of functions

  void put_parameter(Arg& arg) {
    if (info_ && info_->shape == Shape::kRecord) return only_in_records();
    const KernelType* type = nullptr;
    if (role_ == Role::kReturn) {
      if (place_.prototype) type = &place_.prototype->result;
    } else {
      if (place_.prototype) {
        const auto& parameters = place_.prototype->args;
        if (arg.index >= parameters.size()) return beyond_prototype(arg.index);
        type = &parameters[arg.index];
      }
      arg.conf.arg = slot(arg.index);
    }
    if (!resolve_.empty()) return put_resolved(type, {}, arg);
    for (const char* field : {"btfType", "btfTypeModule"}) {
      if (fields_.find(field)) {
        return error(position_of(field), fmt::format("`{}` says where `resolve` starts, and there is none", field));
      }
    }
    if (place_.kind == Kind::kUser) {
      if (auto_) return needs_type();
      if (!info_->user) {
        error(position_of("type"),
              fmt::format("type `{}` is an object of the kernel, there is none in a process", info_->name));
      }
      return;
    }
    if (!type) {
      if (auto_) leave_open(arg);
      return;
    }
    if (info_ && info_->shape == Shape::kAny) return;
    const std::string what = role_ == Role::kReturn ? fmt::format("the result of {}", place_.subject)
                                                    : fmt::format("argument {} of {}", arg.index, place_.subject);
    if (is_composite(*type)) {
      return error(at_, fmt::format("{} is `{}`, passed by value, which cannot be read", what, describe(*type)));
    }
    if (type->kind == KernelType::Kind::kVoid) return error(at_, fmt::format("{} is void", what));
    if (!choose(what, *type, arg)) return;
    // The upper half of a register that holds a narrower parameter means nothing: what is there is read, and widened
    // as C would do it.
    if (info_->shape == Shape::kNumber && info_->bits == 64 && !is_pointer(*type)) {
      if (const TypeInfo* narrow = number_type(type->is_signed, type->size)) arg.conf.type = narrow->arg_type;
    }
  }

  // The register of a parameter: structures before it may take two.
  uint8_t slot(uint32_t index) const {
    uint32_t out = index;
    if (place_.prototype) {
      out = 0;
      for (uint32_t i = 0; i < index && i < place_.prototype->args.size(); ++i) {
        out += registers_of(place_.prototype->args[i]);
      }
    }
    return static_cast<uint8_t>(std::min(out, uint32_t{TRIGON_MAX_ARGS_IN_WORK - 1}));
  }

  void beyond_prototype(uint32_t index) const {
    std::string list;
    const auto& parameters = place_.prototype->args;
    for (size_t i = 0; i < parameters.size(); ++i) {
      list += fmt::format("{}{} {}", i ? ", " : "", i, describe(parameters[i]));
    }
    error(at_, fmt::format("index: {} has no argument {}: it has {}", place_.subject, index,
                           list.empty() ? std::string("none") : list));
  }

  // -- resolve

  void put_resolved(const KernelType* type, std::string start, Arg& arg) {
    const Position at = position_of("resolve");
    if (place_.kind == Kind::kUser && arg.conf.source != TRIGON_FROM_TASK) {
      return error(at, "resolve: types of programs are not read by this version (btfPath), only those of the kernel");
    }
    if (info_ && info_->shape == Shape::kRecord) return only_in_records();
    if (static_cast<size_t>(std::count(resolve_.begin(), resolve_.end(), '.')) >= kMaxDepth) {
      return error(at, fmt::format("resolve: `{}` is more than {} members deep", resolve_, kMaxDepth));
    }
    if (const auto given = fields_.string("btfType")) start = *given;
    const std::string module = fields_.string("btfTypeModule").value_or("");
    if (!context_.kernel()) return leave_open(arg);
    if (start.empty()) {
      using K = KernelType::Kind;
      const bool structure = type && is_pointer(*type) && (type->pointee == K::kStruct || type->pointee == K::kUnion);
      if (!structure || type->name.empty()) {
        return error(at, fmt::format("resolve: {}, which is no pointer to a structure: `btfType` can name one",
                                     type ? fmt::format("it starts at `{}`", describe(*type))
                                          : std::string("what it starts at is not known")));
      }
      start = type->name;
    }
    const auto resolved = context_.kernel()->resolve(start, module, resolve_);
    if (!resolved.ok()) return error(at, fmt::format("resolve: {}", resolved.error().message()));
    if (resolved->offsets.empty() || resolved->offsets.size() > TRIGON_MAX_RESOLVE) {
      return error(at, fmt::format("resolve: `{}` follows more than {} pointers", resolve_, TRIGON_MAX_RESOLVE - 1));
    }
    if (!choose(fmt::format("`{}` of struct {}", resolve_, start), resolved->type, arg)) return;
    place_member(*resolved, arg);
  }

  void place_member(const Resolved& resolved, Arg& arg) const {
    arg.conf.steps = static_cast<uint8_t>(resolved.offsets.size());
    std::copy(resolved.offsets.begin(), resolved.offsets.end(), arg.conf.off);
    arg.conf.bits = resolved.bits;
    arg.conf.bit_off = resolved.bit_off;
    if (is_composite(resolved.type)) {
      // An embedded structure or array: its address is the value. A text ends where the array does.
      if (resolved.type.kind == KernelType::Kind::kArray && info_->arg_type == TRIGON_ARG_STRING) {
        arg.conf.max = std::min(arg.conf.max, resolved.type.size);
      }
      return;
    }
    arg.conf.flags |= TRIGON_CONF_LOAD;
    arg.conf.size = static_cast<uint8_t>(is_pointer(resolved.type) ? 8 : resolved.type.size);
    if (resolved.type.is_signed) arg.conf.flags |= TRIGON_CONF_SIGNED;
  }

  // -- system calls

  void put_syscall(Arg& arg) {
    for (const char* field : {"resolve", "btfType", "btfTypeModule"}) {
      if (fields_.find(field)) {
        return error(position_of(field),
                     fmt::format("`{}`: arguments of a system call are numbers and addresses of the "
                                 "process, there is nothing of the kernel's behind them",
                                 field));
      }
    }
    if (role_ == Role::kReturn) {
      if (auto_) take(find_type("long"), arg);
      if (info_->shape == Shape::kRecord) return only_in_records();
      return check_user();
    }
    uint32_t parameter = arg.index;
    if (place_.kind != Kind::kSyscall) {
      if (arg.index < kNumberField) {
        return error(at_,
                     "index: 0 to 3 are the common_* fields, which system calls do not carry here: 4 is the number, "
                     "5 the first argument");
      }
      if (arg.index == kNumberField) return put_number(arg);
      if (place_.kind == Kind::kRawSyscalls) return put_array(arg);
      parameter = arg.index - kFirstField;
    }
    if (info_ && info_->shape == Shape::kRecord) return only_in_records();
    if (parameter >= kCallRegisters) {
      return error(at_, fmt::format("index: a system call has at most {} arguments", kCallRegisters));
    }
    if (place_.names && parameter >= place_.names->size()) return beyond_names(arg.index);
    if (auto_) return needs_type();
    arg.conf.arg = static_cast<uint8_t>(parameter);
    check_user();
  }

  void check_user() const {
    if (info_->user) return;
    error(position_of("type"), fmt::format("type `{}` is an object of the kernel, a system call's argument is what the "
                                           "process wrote",
                                           info_->name));
  }

  void put_number(Arg& arg) {
    if (auto_) take(find_type("syscall64"), arg);
    if (arg.conf.type == TRIGON_ARG_NONE) return;
    if (arg.kind != ValueKind::kNumber) {
      return error(at_,
                   fmt::format("index: field 4 is the number of the system call, type `{}` does not apply", arg.type));
    }
    as_syscall_number(arg);
  }

  static void as_syscall_number(Arg& arg) {
    arg.conf.type = TRIGON_ARG_SYSCALL;
    // Whatever it is called: bit 31 marks 32-bit calls, so it is never a negative number.
    arg.is_signed = false;
    arg.bits = 32;
  }

  void put_array(Arg& arg) {
    if (arg.index != kFirstField) {
      return error(at_, "index: raw_syscalls/sys_enter has the fields 4 (number) and 5 (arguments)");
    }
    if (auto_) take(find_type("size_t"), arg);
    if (arg.conf.type == TRIGON_ARG_NONE) return;
    if (arg.conf.type != TRIGON_ARG_UINT64 && arg.conf.type != TRIGON_ARG_INT64) {
      return error(at_,
                   fmt::format("index: field 5 is an array of six 64-bit values, type `{}` does not apply", arg.type));
    }
    arg.spread = kCallRegisters;
    arg.kind = ValueKind::kNone;
  }

  void beyond_names(uint32_t index) const {
    const uint32_t first = place_.kind == Kind::kSyscall ? 0 : kFirstField;
    std::string list;
    for (size_t i = 0; i < place_.names->size(); ++i) {
      list += fmt::format("{}{} {}", i ? ", " : "", first + i, (*place_.names)[i]);
    }
    error(at_, fmt::format("index: {} has no argument {}: it has {}", place_.subject, index,
                           list.empty() ? std::string("none") : list));
  }

  // -- records of classic tracepoints

  void put_record(Arg& arg) {
    if (!resolve_.empty()) {
      return error(position_of("resolve"),
                   "resolve: a classic tracepoint's record has no types: `raw: true` gives the "
                   "arguments of the tracepoint");
    }
    arg.conf.source = TRIGON_FROM_RECORD;
    if (!place_.record) return leave_open(arg);
    const auto& fields = *place_.record;
    if (arg.index >= fields.size()) {
      std::string list;
      for (size_t i = 0; i < fields.size(); ++i) list += fmt::format("{}{} {}", i ? ", " : "", i, fields[i].name);
      return error(at_, fmt::format("index: {} has no field {}: it has {}", place_.subject, arg.index, list));
    }
    put_field(fields[arg.index], arg);
  }

  void put_field(const TracepointField& field, Arg& arg) {
    const bool pointer = !field.array && field.type.find('*') != std::string::npos;
    const bool text = field.type.find("char") != std::string::npos;
    const uint32_t element = field.array ? field.size / field.array : field.size;
    if (auto_) {
      const TypeInfo* natural = field.data_loc              ? find_type("data_loc")
                                : pointer                   ? find_type(text ? "string" : "uint64")
                                : !field.array              ? number_type(field.is_signed, field.size)
                                : element == 1              ? find_type("const_buf")
                                : field.array <= kMaxSpread ? number_type(field.is_signed, element)
                                                            : find_type("const_buf");
      if (!natural)
        return error(at_, fmt::format("{}: field {} of {} is `{}`, for which there is no `auto`: write a type",
                                      fields_.where(), arg.index, place_.subject, field.type));
      take(natural, arg);
    }
    if (info_->shape == Shape::kAny) return;
    arg.conf.off[0] = field.offset;
    if (info_->arg_type == TRIGON_ARG_DATA_LOC || field.data_loc) return put_data_loc(field, arg);
    if (field.array) return put_record_array(field, element, arg);
    if (!put_scalar(field, pointer, arg)) contradicts(field);
  }

  void contradicts(const TracepointField& field) const {
    error(position_of("type"), fmt::format("type `{}` contradicts the kernel: field {} of {} is `{}`", info_->name,
                                           field.name, place_.subject, field.type));
  }

  void put_data_loc(const TracepointField& field, Arg& arg) const {
    if (!field.data_loc || info_->kind != ValueKind::kString) return contradicts(field);
    arg.conf.type = TRIGON_ARG_DATA_LOC;
    arg.conf.size = 4;
  }

  void put_record_array(const TracepointField& field, uint32_t element, Arg& arg) const {
    if (info_->shape == Shape::kNumber && info_->kind == ValueKind::kNumber) {
      if (field.array > kMaxSpread) {
        return error(position_of("type"),
                     fmt::format("field {} of {} has {} numbers: more than {} are read as `const_buf`", field.name,
                                 place_.subject, field.array, kMaxSpread));
      }
      arg.spread = static_cast<uint8_t>(field.array);
      if (arg.spread > 1) arg.kind = ValueKind::kNone;
      return scalar_of(element, field.is_signed, arg);
    }
    if (info_->arg_type != TRIGON_ARG_CONST_BUF && info_->arg_type != TRIGON_ARG_STRING &&
        info_->arg_type != TRIGON_ARG_CHAR_BUF) {
      return contradicts(field);
    }
    const TypeInfo& buffer = *find_type("const_buf");
    arg.conf.type = TRIGON_ARG_CONST_BUF;
    arg.conf.max = std::min<uint32_t>(buffer.max, field.size);
  }

  // A record is read as wide as it is, and widened as C would do it when the policy calls it more than that.
  void scalar_of(uint32_t size, bool is_signed, Arg& arg) const {
    arg.conf.size = static_cast<uint8_t>(size);
    if (info_->shape == Shape::kNumber && info_->kind == ValueKind::kNumber && size * 8 < info_->bits) {
      if (const TypeInfo* narrow = number_type(is_signed, size)) arg.conf.type = narrow->arg_type;
    }
    arg.conf.flags |= TRIGON_CONF_LOAD;
    if (is_signed) arg.conf.flags |= TRIGON_CONF_SIGNED;
  }

  bool put_scalar(const TracepointField& field, bool pointer, Arg& arg) const {
    if (field.size != 1 && field.size != 2 && field.size != 4 && field.size != 8) return false;
    if (info_->arg_type == TRIGON_ARG_SYSCALL) {
      if (pointer) return false;
      as_syscall_number(arg);
      arg.conf.source = TRIGON_FROM_RECORD;
    } else if (info_->shape == Shape::kRecord) {
      return false;
    } else if (info_->shape != Shape::kNumber && field.size != 8) {
      return false;  // objects, texts and buffers lie behind an address
    } else if (info_->shape == Shape::kNumber && pointer && info_->bits != 64) {
      return false;
    }
    scalar_of(field.size, field.is_signed, arg);
    return true;
  }

  // -- flags and sizes

  void read_flags(Arg& arg) {
    if (fields_.boolean("maxData", false)) {
      if (!arg.unresolved && !is_buffer(arg.conf.type)) {
        error(position_of("maxData"), "maxData applies to char_buf, char_iovec and iov_iter");
      }
      arg.conf.flags |= TRIGON_CONF_MAX_DATA;
    }
    if (!fields_.boolean("returnCopy", false)) return;
    const Position at = position_of("returnCopy");
    if (role_ != Role::kArg) return error(at, "returnCopy belongs to `args`");
    if (place_.kind == Kind::kRecord || place_.kind == Kind::kRawSyscalls || place_.kind == Kind::kFormatField ||
        hook_.kind == HookKind::kLsm || hook_.kind == HookKind::kTracepoint || hook_.kind == HookKind::kUsdt) {
      return error(at, "returnCopy: this kind of hook has no return");
    }
    if (arg.conf.flags & TRIGON_CONF_MAX_DATA) return error(at, "returnCopy and maxData exclude each other");
    arg.conf.flags |= TRIGON_CONF_AT_RETURN;
  }

  // One-based, in the count that `index` uses.
  void read_size(Arg& arg) {
    const Node* node = fields_.find("sizeArgIndex");
    const auto value = node ? fields_.number("sizeArgIndex", 0, kMaxSizeArgIndex) : std::optional<uint64_t>(0);
    if (!value) return;
    if (!takes_size(arg.conf.type) || place_.kind == Kind::kRecord) {
      // It may be there as the default says it.
      if (*value != 0 && !arg.unresolved) {
        error(node->position, place_.kind == Kind::kRecord
                                  ? "sizeArgIndex: a tracepoint's record has no such argument"
                                  : "sizeArgIndex applies to char_buf, char_iovec and sockaddr");
      } else if (takes_size(arg.conf.type) && arg.conf.type != TRIGON_ARG_SOCKADDR && !arg.unresolved) {
        error(position_of("type"), fmt::format("type `{}`: a tracepoint's record does not say its size", arg.type));
      }
      return;
    }
    if (*value == 0) return size_by_default(arg);
    const bool fields = place_.kind == Kind::kFormatField;
    const uint64_t first = fields ? kFirstField : 0;
    const uint64_t count = place_.prototype                 ? place_.prototype->args.size()
                           : place_.kind == Kind::kFunction ? TRIGON_MAX_ARGS_IN_WORK - 1
                                                            : kCallRegisters;
    if (*value <= first || *value - first > count) {
      return error(node->position, fmt::format("sizeArgIndex: expected {} to {} (positions count from 1), found {}",
                                               first + 1, first + count, *value));
    }
    const auto index = static_cast<uint32_t>(*value - first - 1);
    if (place_.prototype && !accepts(*find_type("uint64"), place_.prototype->args[index])) {
      return error(node->position, fmt::format("sizeArgIndex: argument {} of {} is `{}`, no size", index,
                                               place_.subject, describe(place_.prototype->args[index])));
    }
    arg.conf.size_arg = static_cast<uint8_t>(slot(index) + 1);
  }

  void size_by_default(Arg& arg) const {
    const bool at_return = arg.conf.flags & TRIGON_CONF_AT_RETURN;
    if (arg.conf.type == TRIGON_ARG_CHAR_BUF && at_return && role_ == Role::kArg) return;  // the result is the size
    if (arg.conf.type == TRIGON_ARG_CHAR_BUF || arg.conf.type == TRIGON_ARG_CHAR_IOVEC) {
      return error(fields_.position(),
                   fmt::format("{}: `{}` needs `sizeArgIndex`, the position (from 1) of the argument that holds its {}",
                               fields_.where(), arg.type, arg.conf.type == TRIGON_ARG_CHAR_BUF ? "size" : "length"));
    }
    // A function of the kernel has a whole address; a system call is told how much of one there is.
    if (place_.kind != Kind::kSyscall && place_.kind != Kind::kFormatField) return;
    if (role_ != Role::kArg) return;
    if (arg.conf.arg + 1u >= kCallRegisters) {
      return error(fields_.position(), fmt::format("{}: `{}` needs `sizeArgIndex` here, there is no next argument",
                                                   fields_.where(), arg.type));
    }
    arg.conf.size_arg = static_cast<uint8_t>(arg.conf.arg + 2);
  }

  Fields fields_;
  Role role_;
  const ArgPlace& place_;
  const Context& context_;
  const Hook& hook_;
  const TypeInfo* info_ = nullptr;
  bool auto_ = false;
  bool reads_registers_ = false;
  std::string resolve_;
  Position at_;
};

// The same value twice is a mistake; another type or another member of the same argument is not.
struct Seen {
  uint32_t index;
  std::string type;
  std::string path;
  bool operator==(const Seen&) const = default;
};

void read_list(const Fields& fields, std::string_view name, Role role, const ArgPlace& place, const Context& context,
               Hook& hook, std::vector<Arg>& out) {
  std::vector<Seen> seen;
  const auto list = fields.list(name);
  for (size_t i = 0; i < list.size(); ++i) {
    Arg arg;
    ArgReader reader(list[i], fields.where() + "." + item_name(name, i), role, place, context, hook);
    const bool ok = reader.read(arg);
    if (reader.reads_registers()) hook.point.kprobe_only = hook.point.kind == HookPoint::Kind::kFunction;
    if (ok && role == Role::kArg) {
      const Seen key{arg.index, arg.type, reader.resolve_path()};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
        fields.error(list[i].position, fmt::format("{}.{}: index {} is declared twice with the same type",
                                                   fields.where(), item_name(name, i), arg.index));
      }
      seen.push_back(key);
    }
    out.push_back(std::move(arg));
  }
}

void read_return(const Fields& fields, const ArgPlace& place, const Context& context, Hook& hook) {
  const Node* node = fields.find("returnArg");
  if (node && !place.returns) {
    fields.error(node->position, fmt::format("{}: `returnArg` needs `return: true`", fields.where()));
  } else if (node) {
    Arg arg;
    ArgReader(*node, fields.where() + ".returnArg", Role::kReturn, place, context, hook).read(arg);
    hook.return_arg = std::move(arg);
  } else if (place.returns) {
    fields.error(fields.find("return")->position,
                 fmt::format("{}: `return: true` needs `returnArg` with the type of the result", fields.where()));
  } else if (std::any_of(hook.args.begin(), hook.args.end(),
                         [](const Arg& arg) { return arg.conf.flags & TRIGON_CONF_AT_RETURN; })) {
    // returnCopy asks for the return, not for its value.
    Arg arg;
    arg.type = "nop";
    arg.conf.source = TRIGON_FROM_RETURN;
    arg.conf.flags = TRIGON_CONF_AT_RETURN;
    hook.return_arg = std::move(arg);
  }
}

}  // namespace

bool read_args(const Fields& fields, const ArgPlace& place, const Context& context, Hook& hook) {
  const size_t before = fields.sink().count();
  read_list(fields, "args", Role::kArg, place, context, hook, hook.args);
  read_list(fields, "data", Role::kData, place, context, hook, hook.data);
  if (hook.args.size() + hook.data.size() > kMaxValues) {
    fields.error(fields.position(), fmt::format("{}: {} values in `args` and `data`, at most {} can be read",
                                                fields.where(), hook.args.size() + hook.data.size(), kMaxValues));
  }
  read_return(fields, place, context, hook);
  hook.point.returns = hook.return_arg.has_value();
  return fields.sink().count() == before;
}

}  // namespace trigon::policy
