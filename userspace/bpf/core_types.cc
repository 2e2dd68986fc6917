#include "bpf/core_types.h"

#include <bpf/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace trigon::bpf {

namespace {

struct BtfDeleter {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, BtfDeleter>;

std::string_view essential_name(std::string_view name) { return name.substr(0, name.find("___")); }

const btf_type* local_resolve(const btf* local, uint32_t id) {
  const btf_type* type = btf__type_by_id(local, id);
  while (type != nullptr && (btf_is_mod(type) || btf_is_typedef(type))) type = btf__type_by_id(local, type->type);
  return type;
}

// All flavours of one structure: what any of them names is needed.
using Flavours = std::vector<const btf_type*>;

class Copier {
 public:
  Copier(const btf* local, const KernelTypes& kernel) : local_(local), kernel_(kernel), out_(btf__new_empty()) {}

  // The kernel's composite `id`, narrowed to what `flavours` name. Returns its id in the result, negative on failure.
  int composite(uint32_t id, const Flavours& flavours) {
    const btf_type& type = kernel_.type(id);
    struct Member {
      std::string name;
      int type;
      uint32_t bit_offset, bit_size;
    };
    std::vector<Member> members;
    collect(type, 0, flavours,
            [&](std::string_view name, uint32_t member_type, uint32_t bits, uint32_t size, const Flavours& inner) {
              members.push_back({std::string(name), copy(member_type, inner), bits, size});
            });
    const std::string name(kernel_.name(type.name_off));
    // A union stays a union for its size only; members keep their offsets either way, so a structure serves for both.
    const int made = btf__add_struct(out_.get(), name.c_str(), type.size);
    if (made < 0) return made;
    for (const Member& member : members) {
      if (member.type < 0) return member.type;
      if (int err = btf__add_field(out_.get(), member.name.c_str(), member.type, member.bit_offset, member.bit_size))
        return err;
    }
    return made;
  }

  const void* data(uint32_t* size) const { return btf__raw_data(out_.get(), size); }

 private:
  // Members that some flavour names, through anonymous structures and unions of the kernel.
  template <typename Each>
  void collect(const btf_type& type, uint32_t base_bits, const Flavours& flavours, const Each& each) {
    const bool bitfields = BTF_INFO_KFLAG(type.info) != 0;
    const btf_member* member = kernel_.members(type);
    for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); ++i, ++member) {
      const uint32_t bits = base_bits + (bitfields ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset);
      const uint32_t size = bitfields ? BTF_MEMBER_BITFIELD_SIZE(member->offset) : 0;
      const uint32_t resolved = kernel_.resolve(member->type);
      const std::string_view name = kernel_.name(member->name_off);
      if (name.empty()) {
        const uint32_t kind = kernel_.kind(resolved);
        if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION) collect(kernel_.type(resolved), bits, flavours, each);
        continue;
      }
      Flavours inner;
      bool wanted = false;
      for (const btf_type* flavour : flavours) wanted |= names(flavour, name, &inner);
      if (wanted) each(name, resolved, bits, size, inner);
    }
  }

  // Whether a local structure names the member; adds the member's own structure to `inner`.
  bool names(const btf_type* flavour, std::string_view name, Flavours* inner) const {
    const btf_member* member = btf_members(flavour);
    for (uint32_t i = 0; i < btf_vlen(flavour); ++i, ++member) {
      const std::string_view local_name = btf__name_by_offset(local_, member->name_off);
      const btf_type* type = local_resolve(local_, member->type);
      if (local_name.empty()) {
        if (type != nullptr && btf_is_composite(type) && names(type, name, inner)) return true;
        continue;
      }
      if (local_name != name) continue;
      while (type != nullptr && btf_is_array(type)) type = local_resolve(local_, btf_array(type)->type);
      if (type != nullptr && btf_is_composite(type)) inner->push_back(type);
      return true;
    }
    return false;
  }

  // A member's type. Pointers lead to void: relocations compare kinds, and a pointee is a root of its own.
  int copy(uint32_t id, const Flavours& inner) {
    const btf_type& type = kernel_.type(id);
    switch (BTF_INFO_KIND(type.info)) {
      case BTF_KIND_INT: {
        const std::string name(kernel_.name(type.name_off));
        return once(id, [&] {
          return btf__add_int(out_.get(), name.c_str(), type.size, BTF_INT_ENCODING(kernel_.extra(type)));
        });
      }
      case BTF_KIND_PTR:
        return once(0, [&] { return btf__add_ptr(out_.get(), 0); });
      case BTF_KIND_ENUM:
      case 19:  // ENUM64
        return once(id, [&] { return btf__add_enum(out_.get(), nullptr, type.size); });
      case BTF_KIND_ARRAY: {
        const struct btf_array& array = kernel_.array(type);
        const int element = copy(kernel_.resolve(array.type), inner);
        const int index = copy(kernel_.resolve(array.index_type), {});
        if (element < 0 || index < 0) return -1;
        return btf__add_array(out_.get(), index, element, array.nelems);
      }
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        return composite(id, inner);
      default:
        return btf__add_ptr(out_.get(), 0);
    }
  }

  template <typename Make>
  int once(uint32_t id, Make make) {
    if (auto found = made_.find(id); found != made_.end()) return found->second;
    return made_[id] = make();
  }

  const btf* local_;
  const KernelTypes& kernel_;
  Btf out_;
  std::unordered_map<uint32_t, int> made_;
};

}  // namespace

Result<Fd> core_types(const btf* local, const KernelTypes& kernel) {
  std::unordered_map<std::string_view, Flavours> wanted;
  for (uint32_t id = 1; id < btf__type_cnt(local); ++id) {
    const btf_type* type = btf__type_by_id(local, id);
    if (!btf_is_struct(type) || type->name_off == 0) continue;
    wanted[essential_name(btf__name_by_offset(local, type->name_off))].push_back(type);
  }
  Copier copier(local, kernel);
  bool failed = false;
  kernel.each([&](uint32_t id, uint32_t kind, std::string_view name) {
    if (kind != BTF_KIND_STRUCT) return;
    auto found = wanted.find(name);
    if (found != wanted.end()) failed |= copier.composite(id, found->second) < 0;
  });
  if (failed) return Error("narrow the kernel's type information: out of memory");
  uint32_t size = 0;
  const void* data = copier.data(&size);
  Fd file(memfd_create("trigon-types", MFD_CLOEXEC));
  if (!file) return Error::from_errno("memfd_create");
  if (data == nullptr || ::write(file.get(), data, size) != static_cast<ssize_t>(size))
    return Error::from_errno("write the narrowed type information");
  return file;
}

}  // namespace trigon::bpf
