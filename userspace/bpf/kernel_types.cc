#include "bpf/kernel_types.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "base/fd.h"

namespace trigon::bpf {

namespace {

// void, as id 0.
const btf_type kVoid{};

// Bytes behind a type's header (include/uapi/linux/btf.h); -1: a kind that did not exist in Linux 7.0.
int64_t tail_bytes(uint32_t kind, uint32_t vlen) {
  switch (kind) {
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case 16:  // FLOAT (5.13)
    case 18:  // TYPE_TAG (5.17)
      return 0;
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case 17:  // DECL_TAG (5.16)
      return 4;
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case 19:  // ENUM64 (6.0)
      return 12 * int64_t{vlen};
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
      return 8 * int64_t{vlen};
    default:
      return -1;
  }
}

Error malformed(std::string_view what) {
  return Error(ErrorCode::kUnsupported, fmt::format("the kernel's type information cannot be read: {}", what));
}

}  // namespace

Result<KernelTypes> KernelTypes::read(const char* path, const KernelTypes* base) {
  Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT)
      return Error(
          ErrorCode::kUnsupported,
          fmt::format("this kernel has no type information at {}: it was built without CONFIG_DEBUG_INFO_BTF", path));
    return Error::from_errno(fmt::format("open {}", path));
  }
  const off_t size = lseek(fd.get(), 0, SEEK_END);
  std::vector<char> data(size > 0 ? static_cast<size_t>(size) : 0);
  size_t have = 0;
  while (have < data.size()) {
    ssize_t n = pread(fd.get(), data.data() + have, data.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error::from_errno(fmt::format("read {}", path));
    have += static_cast<size_t>(n);
  }
  return parse(std::move(data), base);
}

Result<KernelTypes> KernelTypes::parse(std::vector<char> data, const KernelTypes* base) {
  KernelTypes out;
  if (base) {
    out.base_ = base;
    out.first_ = base->count();
    out.first_string_ = base->first_string_ + base->strings_len_;
  }
  btf_header header;
  if (data.size() < sizeof(header)) return malformed("too short");
  std::memcpy(&header, data.data(), sizeof(header));
  if (header.magic != BTF_MAGIC || header.version != BTF_VERSION) return malformed("unknown version");
  const uint64_t types = uint64_t{header.hdr_len} + header.type_off;
  const uint64_t types_end = types + header.type_len;
  const uint64_t strings = uint64_t{header.hdr_len} + header.str_off;
  if (types_end > data.size() || strings + header.str_len > data.size() || types % 4 != 0 || header.str_len == 0 ||
      data[strings + header.str_len - 1] != 0)
    return malformed("sections are out of bounds");
  out.offsets_.reserve(header.type_len / 24);
  if (!base) out.offsets_.push_back(0);
  for (uint64_t at = types; at < types_end;) {
    if (at + sizeof(btf_type) > types_end) return malformed("a type is cut");
    const auto* type = reinterpret_cast<const btf_type*>(data.data() + at);
    const int64_t tail = tail_bytes(BTF_INFO_KIND(type->info), BTF_INFO_VLEN(type->info));
    if (tail < 0) return malformed(fmt::format("unknown kind {}", BTF_INFO_KIND(type->info)));
    out.offsets_.push_back(static_cast<uint32_t>(at));
    at += sizeof(btf_type) + static_cast<uint64_t>(tail);
    if (at > types_end) return malformed("a type is cut");
  }
  out.strings_ = static_cast<uint32_t>(strings);
  out.strings_len_ = header.str_len;
  out.data_ = std::move(data);
  return out;
}

const btf_type& KernelTypes::type(uint32_t id) const {
  if (id == 0 || id >= count()) return kVoid;
  if (id < first_) return base_->type(id);
  return *reinterpret_cast<const btf_type*>(data_.data() + offsets_[id - first_]);
}

std::string_view KernelTypes::name(uint32_t offset) const {
  if (offset < first_string_) return base_->name(offset);
  offset -= first_string_;
  return offset < strings_len_ ? std::string_view(data_.data() + strings_ + offset) : std::string_view();
}

void KernelTypes::each(const std::function<void(uint32_t, uint32_t, std::string_view)>& visit) const {
  for (uint32_t id = first_ ? first_ : 1; id < count(); ++id) {
    const btf_type& t = type(id);
    if (t.name_off != 0) visit(id, BTF_INFO_KIND(t.info), name(t.name_off));
  }
}

uint32_t KernelTypes::resolve(uint32_t id) const {
  // Bounded: malformed types could refer to each other in a circle.
  for (int depth = 0; depth < 32; ++depth) {
    switch (kind(id)) {
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_CONST:
      case BTF_KIND_RESTRICT:
      case 18:  // TYPE_TAG
        id = type(id).type;
        break;
      default:
        return id;
    }
  }
  return 0;
}

}  // namespace trigon::bpf
