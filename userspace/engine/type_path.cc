#include "engine/type_path.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/suggest.h"

namespace trigon::engine {
namespace {

using bpf::KernelTypes;
using policy::KernelType;
using Kind = KernelType::Kind;

constexpr uint32_t kPointerSize = 8;
// Kinds that linux/btf.h of Debian 12 does not name yet.
constexpr uint32_t kKindFloat = 16, kKindTypeTag = 18, kKindEnum64 = 19;
// Nested anonymous structures, modifiers: malformed types could go in circles.
constexpr int kMaxNesting = 32;

bool is_structure(uint32_t kind) { return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION; }

// Behind modifiers; `alias` is the last typedef on the way, the only name that some structures have.
uint32_t peel(const KernelTypes& types, uint32_t id, std::string_view* alias = nullptr) {
  for (int i = 0; i < kMaxNesting; ++i) {
    switch (types.kind(id)) {
      case BTF_KIND_TYPEDEF:
        if (alias) *alias = types.name(types.type(id).name_off);
        [[fallthrough]];
      case BTF_KIND_CONST:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_RESTRICT:
      case kKindTypeTag:
        id = types.type(id).type;
        break;
      default:
        return id;
    }
  }
  return 0;
}

uint32_t size_of(const KernelTypes& types, uint32_t id, int depth = 0) {
  id = peel(types, id);
  const btf_type& type = types.type(id);
  switch (types.kind(id)) {
    case BTF_KIND_PTR:
      return kPointerSize;
    case BTF_KIND_ARRAY: {
      const struct btf_array& array = types.array(type);
      return depth < kMaxNesting ? array.nelems * size_of(types, array.type, depth + 1) : 0;
    }
    case BTF_KIND_INT:
    case BTF_KIND_ENUM:
    case kKindEnum64:
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case kKindFloat:
      return type.size;
    default:
      return 0;
  }
}

Kind kind_of(const KernelTypes& types, uint32_t id) {
  switch (types.kind(id)) {
    case BTF_KIND_INT:
      return Kind::kInteger;
    case BTF_KIND_ENUM:
    case kKindEnum64:
      return Kind::kEnum;
    case BTF_KIND_PTR:
      return Kind::kPointer;
    case BTF_KIND_STRUCT:
      return Kind::kStruct;
    case BTF_KIND_UNION:
      return Kind::kUnion;
    case BTF_KIND_FWD:  // declared only; kflag: a union
      return BTF_INFO_KFLAG(types.type(id).info) ? Kind::kUnion : Kind::kStruct;
    case BTF_KIND_ARRAY:
      return Kind::kArray;
    case kKindFloat:
      return Kind::kFloat;
    case BTF_KIND_UNKN:
      return id == 0 ? Kind::kVoid : Kind::kOther;
    default:
      return Kind::kOther;
  }
}

// What it is called, or the alias when it has no name.
std::string name_of(const KernelTypes& types, uint32_t id, std::string_view alias) {
  const std::string_view name = types.name(types.type(id).name_off);
  return std::string(name.empty() ? alias : name);
}

// What a pointer or an array is of.
void describe_element(const KernelTypes& types, uint32_t id, KernelType& out) {
  std::string_view alias;
  id = peel(types, id, &alias);
  out.pointee = kind_of(types, id);
  if (out.pointee != Kind::kPointer && out.pointee != Kind::kArray) out.name = name_of(types, id, alias);
}

struct Member {
  uint32_t type = 0;
  uint32_t bit = 0;  // from the start of the structure
  uint8_t bits = 0;  // of a bit-field
};

// Looks into anonymous structures and unions too.
bool find_member(const KernelTypes& types, uint32_t id, std::string_view name, uint32_t bit, Member& out,
                 int depth = 0) {
  const btf_type& type = types.type(id);
  const bool has_widths = BTF_INFO_KFLAG(type.info);
  const btf_member* members = types.members(type);
  for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); ++i) {
    const uint32_t at = bit + (has_widths ? BTF_MEMBER_BIT_OFFSET(members[i].offset) : members[i].offset);
    const std::string_view found = types.name(members[i].name_off);
    if (found == name) {
      out = {members[i].type, at, static_cast<uint8_t>(has_widths ? BTF_MEMBER_BITFIELD_SIZE(members[i].offset) : 0)};
      return true;
    }
    const uint32_t inner = peel(types, members[i].type);
    if (found.empty() && is_structure(types.kind(inner)) && depth < kMaxNesting &&
        find_member(types, inner, name, at, out, depth + 1)) {
      return true;
    }
  }
  return false;
}

void collect_members(const KernelTypes& types, uint32_t id, std::vector<std::string_view>& out, int depth = 0) {
  const btf_type& type = types.type(id);
  const btf_member* members = types.members(type);
  for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); ++i) {
    const std::string_view name = types.name(members[i].name_off);
    const uint32_t inner = peel(types, members[i].type);
    if (!name.empty()) {
      out.push_back(name);
    } else if (is_structure(types.kind(inner)) && depth < kMaxNesting) {
      collect_members(types, inner, out, depth + 1);
    }
  }
}

Error no_such(std::string message) { return Error(ErrorCode::kUnsupported, std::move(message)); }
Error malformed(const std::string& path) {
  return Error(ErrorCode::kInvalidPolicy, fmt::format("`{}` is not a path of members (a.b[3].c)", path));
}

class Walker {
 public:
  Walker(const KernelTypes& types, uint32_t start, const std::string& path) : types_(types), at_(start), path_(path) {}

  Result<policy::Resolved> walk() {
    std::string_view rest = path_;
    while (true) {
      const size_t dot = std::min(rest.find('.'), rest.size());
      if (auto error = component(rest.substr(0, dot)); !error.ok()) return std::move(error).error();
      if (dot == rest.size()) break;
      rest.remove_prefix(dot + 1);
    }
    return finish();
  }

 private:
  // "name", "name[3]", "name[3][1]".
  Result<bool> component(std::string_view text) {
    const size_t bracket = std::min(text.find('['), text.size());
    const std::string_view name = text.substr(0, bracket);
    if (name.empty()) return malformed(path_);
    if (auto error = enter(name); !error.ok()) return error;
    std::string_view rest = text.substr(bracket);
    while (!rest.empty()) {
      const size_t end = rest.find(']');
      if (rest[0] != '[' || end == std::string_view::npos) return malformed(path_);
      uint32_t index = 0;
      const auto [last, code] = std::from_chars(rest.data() + 1, rest.data() + end, index);
      if (code != std::errc() || last != rest.data() + end) return malformed(path_);
      if (auto error = subscript(index, name); !error.ok()) return error;
      rest.remove_prefix(end + 1);
    }
    return true;
  }

  Result<bool> enter(std::string_view name) {
    std::string_view alias;
    uint32_t id = peel(types_, at_, &alias);
    if (types_.kind(id) == BTF_KIND_PTR) {
      follow();
      alias = {};
      id = peel(types_, types_.type(id).type, &alias);
    }
    if (!is_structure(types_.kind(id))) {
      return no_such(fmt::format("`{}` has no members, it is `{}`", before_, policy_name(id, alias)));
    }
    if (bits_ != 0) return no_such(fmt::format("`{}` is a bit-field, it has no members", before_));
    Member member;
    if (!find_member(types_, id, name, 0, member)) {
      std::vector<std::string_view> names;
      collect_members(types_, id, names);
      return no_such(fmt::format("{} has no member `{}`{}", policy_name(id, alias), name, did_you_mean(name, names)));
    }
    at_ = member.type;
    bits_ = member.bits;
    offset_ += bits_ ? 0 : member.bit / 8;
    bit_ = bits_ ? member.bit : 0;
    before_ += (before_.empty() ? "" : ".") + std::string(name);
    return true;
  }

  Result<bool> subscript(uint32_t index, std::string_view name) {
    const uint32_t id = peel(types_, at_);
    const btf_type& type = types_.type(id);
    if (types_.kind(id) == BTF_KIND_ARRAY) {
      const struct btf_array& array = types_.array(type);
      // An array of none is one of any length at the end of a structure.
      if (array.nelems != 0 && index >= array.nelems) {
        return no_such(fmt::format("`{}` has {} elements, there is no [{}]", name, array.nelems, index));
      }
      at_ = array.type;
    } else if (types_.kind(id) == BTF_KIND_PTR) {
      follow();
      at_ = type.type;
    } else {
      return no_such(fmt::format("`{}` is no array", name));
    }
    offset_ += index * size_of(types_, at_);
    before_ += fmt::format("[{}]", index);
    return true;
  }

  void follow() {
    offsets_.push_back(offset_);
    offset_ = 0;
  }

  std::string policy_name(uint32_t id, std::string_view alias) const {
    const uint32_t kind = types_.kind(id);
    const std::string name = name_of(types_, id, alias);
    if (kind == BTF_KIND_PTR) return "pointer to a pointer";
    const char* prefix = kind == BTF_KIND_STRUCT ? "struct " : kind == BTF_KIND_UNION ? "union " : "";
    return prefix + (name.empty() ? std::string(id == 0 ? "void" : "?") : name);
  }

  Result<policy::Resolved> finish() {
    policy::Resolved out;
    out.type = describe_type(types_, at_);
    if (bits_ != 0) {
      // Loaded is the smallest aligned word that holds all of it.
      uint32_t width = out.type.size ? out.type.size * 8 : 32;
      if (bit_ / width != (bit_ + bits_ - 1) / width) width = 64;
      if (bit_ / width != (bit_ + bits_ - 1) / width) {
        return no_such(fmt::format("the bit-field `{}` cannot be loaded in one word", before_));
      }
      offset_ += bit_ / width * (width / 8);
      out.bits = bits_;
      out.bit_off = static_cast<uint8_t>(bit_ % width);
      out.type.size = width / 8;
    }
    out.offsets = offsets_;
    out.offsets.push_back(offset_);
    return out;
  }

  const KernelTypes& types_;
  uint32_t at_;
  const std::string& path_;
  std::vector<uint32_t> offsets_;
  uint32_t offset_ = 0;
  uint32_t bit_ = 0;
  uint8_t bits_ = 0;
  std::string before_;  // what has been entered, for messages
};

}  // namespace

policy::KernelType describe_type(const KernelTypes& types, uint32_t id) {
  KernelType out;
  std::string_view alias;
  id = peel(types, id, &alias);
  const btf_type& type = types.type(id);
  out.kind = kind_of(types, id);
  out.size = size_of(types, id);
  switch (out.kind) {
    case Kind::kInteger:
      out.is_signed = BTF_INT_ENCODING(types.extra(type)) & BTF_INT_SIGNED;
      out.name = name_of(types, id, alias);
      break;
    case Kind::kEnum:
      // kflag says it since 6.0; before, enumerations were taken for unsigned.
      out.is_signed = BTF_INFO_KFLAG(type.info);
      out.name = name_of(types, id, alias);
      break;
    case Kind::kPointer:
      describe_element(types, type.type, out);
      break;
    case Kind::kArray: {
      uint32_t element = types.array(type).type;
      // Of several dimensions, the innermost.
      for (int i = 0; i < kMaxNesting && types.kind(peel(types, element)) == BTF_KIND_ARRAY; ++i) {
        element = types.array(types.type(peel(types, element))).type;
      }
      describe_element(types, element, out);
      break;
    }
    default:
      out.name = name_of(types, id, alias);
      break;
  }
  return out;
}

policy::Prototype describe_prototype(const KernelTypes& types, uint32_t id, uint32_t skip) {
  policy::Prototype out;
  const btf_type& prototype = types.type(id);
  const btf_param* params = types.params(prototype);
  for (uint32_t i = skip; i < BTF_INFO_VLEN(prototype.info); ++i) {
    if (params[i].type == 0 && params[i].name_off == 0) break;  // "..."
    out.args.push_back(describe_type(types, params[i].type));
  }
  out.result = describe_type(types, prototype.type);
  return out;
}

Result<policy::Resolved> walk_path(const KernelTypes& types, uint32_t id, const std::string& path) {
  return Walker(types, id, path).walk();
}

}  // namespace trigon::engine
