// KernelTypes: the running kernel's BTF, or that of a module on top of it, read in one pass with nothing but an index
// of where each type lies. libbpf's own reader checks and indexes far more than a start needs: this one costs a tenth
// of its instructions.
#pragma once

#include <linux/btf.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trigon::bpf {

// Immutable after read(); any thread. The base of a module's types must outlive them.
class KernelTypes {
 public:
  static constexpr const char* kPath = "/sys/kernel/btf/vmlinux";
  // Where modules have theirs, by name.
  static constexpr const char* kDirectory = "/sys/kernel/btf";

  // kUnsupported when there is none (CONFIG_DEBUG_INFO_BTF) or it is not of the known version.
  // `base`: for a module, the kernel's; ids and strings below the base's are its own.
  static Result<KernelTypes> read(const char* path = kPath, const KernelTypes* base = nullptr);
  // The same from bytes: tests and fuzzing.
  static Result<KernelTypes> parse(std::vector<char> data, const KernelTypes* base = nullptr);

  // Ids 1 … count - 1; those of a module start at first().
  uint32_t count() const { return first_ + static_cast<uint32_t>(offsets_.size()); }
  uint32_t first() const { return first_; }
  const btf_type& type(uint32_t id) const;
  std::string_view name(uint32_t offset) const;
  uint32_t kind(uint32_t id) const { return BTF_INFO_KIND(type(id).info); }

  // Every named type, once; of a module only its own.
  void each(const std::function<void(uint32_t id, uint32_t kind, std::string_view name)>& visit) const;
  // Behind const, volatile, typedef and the like.
  uint32_t resolve(uint32_t id) const;

  const btf_member* members(const btf_type& type) const { return reinterpret_cast<const btf_member*>(&type + 1); }
  const struct btf_array& array(const btf_type& type) const { return *reinterpret_cast<const btf_array*>(&type + 1); }
  const btf_param* params(const btf_type& prototype) const {
    return reinterpret_cast<const btf_param*>(&prototype + 1);
  }
  // Behind the header of an INT (BTF_INT_*).
  uint32_t extra(const btf_type& type) const { return *reinterpret_cast<const uint32_t*>(&type + 1); }

 private:
  std::vector<char> data_;
  std::vector<uint32_t> offsets_;  // by id - first_, into data_; without base, 0 is void
  const KernelTypes* base_ = nullptr;
  uint32_t first_ = 0;         // ids of the base
  uint32_t first_string_ = 0;  // bytes of strings of the base
  uint32_t strings_ = 0;
  uint32_t strings_len_ = 0;
};

}  // namespace trigon::bpf
