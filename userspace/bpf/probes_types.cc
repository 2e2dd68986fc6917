// The types of the kernel that probes name.
#include "bpf/kernel_types.h"
#include "bpf/probes_run.h"

namespace trigon::bpf {
namespace {

struct Wanted {
  std::string_view name;
  uint32_t kind;
};
constexpr Wanted kWanted[] = {
    {"btf_trace_task_rename", BTF_KIND_TYPEDEF},
    {"bpf_iter_task", BTF_KIND_FUNC},
    {"bpf_iter_task_file", BTF_KIND_FUNC},
    {"bpf_send_signal_task", BTF_KIND_FUNC},
    {"bpf_fentry_test1", BTF_KIND_FUNC},
    {"security_syslog", BTF_KIND_FUNC},
    {"security_file_open", BTF_KIND_FUNC},
    {"bpf_lsm_syslog", BTF_KIND_FUNC},
    {"bpf_lsm_bprm_committed_creds", BTF_KIND_FUNC},
    {"bpf_lsm_socket_bind", BTF_KIND_FUNC},
    {"file", BTF_KIND_STRUCT},
};

// Byte offset, also inside anonymous unions and structs (file::f_path is in one since 6.17); -1: no such member.
int member_offset(const KernelTypes& types, uint32_t id, std::string_view name, int depth = 0) {
  const btf_type& type = types.type(id);
  const uint32_t kind = BTF_INFO_KIND(type.info);
  if ((kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION) || depth > 8) return -1;
  const btf_member* member = types.members(type);
  for (uint32_t i = 0; i < BTF_INFO_VLEN(type.info); i++, member++) {
    const uint32_t bits = BTF_INFO_KFLAG(type.info) ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset;
    const int here = static_cast<int>(bits / 8);
    if (member->name_off != 0) {
      if (types.name(member->name_off) == name) return here;
      continue;
    }
    const int inside = member_offset(types, types.resolve(member->type), name, depth + 1);
    if (inside >= 0) return here + inside;
  }
  return -1;
}

}  // namespace

void ProbeContext::learn_types(const KernelTypes& types) {
  looked_up_ = true;
  has_btf_ = true;
  for (uint32_t id = 1; id < types.count(); id++) {
    const btf_type& type = types.type(id);
    const uint32_t kind = BTF_INFO_KIND(type.info);
    if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_STRUCT) continue;
    const std::string_view name = types.name(type.name_off);
    for (const Wanted& wanted : kWanted) {
      if (wanted.kind == kind && wanted.name == name) ids_.emplace(name, id);
    }
  }
  if (const auto file = ids_.find("file"); file != ids_.end()) {
    file_path_offset_ = member_offset(types, file->second, "f_path");
  }
}

void ProbeContext::look_up_types() {
  looked_up_ = true;
  if (const auto types = KernelTypes::read()) learn_types(*types);
}

uint32_t ProbeContext::btf_id(std::string_view name) {
  if (!looked_up_) look_up_types();
  const auto found = ids_.find(name);
  return found == ids_.end() ? 0 : found->second;
}

int ProbeContext::file_path_offset() {
  if (!looked_up_) look_up_types();
  return file_path_offset_;
}

Outcome ProbeContext::no_type(std::string_view name) {
  if (!has_btf_) {
    return Outcome::no(0, std::string("it needs the kernel's type information (CONFIG_DEBUG_INFO_BTF), and ") +
                              KernelTypes::kPath + " cannot be read");
  }
  return Outcome::no(0, std::string(name) + " is not in the kernel's type information");
}

}  // namespace trigon::bpf
