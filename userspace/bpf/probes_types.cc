// The types of the kernel that probes name.
#include <unistd.h>

#include "bpf/probes_run.h"

namespace trigon::bpf {
namespace {

constexpr const char* kVmlinux = "/sys/kernel/btf/vmlinux";

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

// Also inside anonymous unions and structs; -1: no such member.
int member_offset(const btf* types, uint32_t id, std::string_view name) {
  const btf_type* type = btf__type_by_id(types, id);
  const btf_member* member = btf_members(type);
  for (uint32_t i = 0; i < btf_vlen(type); i++, member++) {
    const int here = static_cast<int>(btf_member_bit_offset(type, i) / 8);
    const std::string_view member_name = btf__name_by_offset(types, member->name_off);
    if (member_name == name) return here;
    if (!member_name.empty() || !btf_is_composite(btf__type_by_id(types, member->type))) continue;
    if (const int inside = member_offset(types, member->type, name); inside >= 0) return here + inside;
  }
  return -1;
}

}  // namespace

void ProbeContext::look_up_types() {
  looked_up_ = true;
  // Asked first because libbpf complains on stderr when it is missing.
  if (access(kVmlinux, R_OK) != 0) return;
  btf* types = btf__parse(kVmlinux, nullptr);
  if (types == nullptr) return;
  has_btf_ = true;
  const uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; id++) {
    const btf_type* type = btf__type_by_id(types, id);
    if (type->name_off == 0) continue;
    const uint32_t kind = btf_kind(type);
    if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_STRUCT) continue;
    const char* name = btf__name_by_offset(types, type->name_off);
    if (*name != 'b' && *name != 's' && *name != 'f') continue;  // the first letters of kWanted
    for (const Wanted& wanted : kWanted) {
      if (wanted.kind == kind && wanted.name == name) ids_.emplace(name, id);
    }
  }
  if (const auto file = ids_.find("file"); file != ids_.end()) {
    file_path_offset_ = member_offset(types, file->second, "f_path");
  }
  btf__free(types);
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
    return Outcome::no(0,
                       "it needs the kernel's type information (CONFIG_DEBUG_INFO_BTF), and /sys/kernel/btf/vmlinux "
                       "cannot be read");
  }
  return Outcome::no(0, std::string(name) + " is not in the kernel's type information");
}

}  // namespace trigon::bpf
