#include "event/decode.h"

#include <cstddef>

namespace trigon::event {
namespace {

bool inside(const trigon_span& span, uint32_t size) {
  return span.len == 0 || (span.off <= size && span.len <= size - span.off);
}

std::string_view view(const trigon_record& rec, const trigon_span& span) {
  if (span.len == 0) return {};
  return {reinterpret_cast<const char*>(&rec) + span.off, span.len};
}

DecodeError decode_exec(const trigon_record& rec, Event* out) {
  const auto& exec = reinterpret_cast<const trigon_exec&>(rec);
  for (const trigon_span& span : {exec.exe.span, exec.cwd.span, exec.filename, exec.interp, exec.args, exec.env}) {
    if (!inside(span, rec.size)) return DecodeError::kSpan;
  }
  out->emplace<Exec>(Exec{&exec, view(rec, exec.exe.span), view(rec, exec.cwd.span), view(rec, exec.filename),
                          view(rec, exec.interp), view(rec, exec.args), view(rec, exec.env)});
  return DecodeError::kNone;
}

DecodeError decode_data(const trigon_record& rec, Event* out) {
  const auto& data = reinterpret_cast<const trigon_exec_data&>(rec);
  if (data.len > rec.size - sizeof(data)) return DecodeError::kSpan;
  out->emplace<ExecData>(ExecData{&data, {reinterpret_cast<const char*>(&data + 1), data.len}});
  return DecodeError::kNone;
}

DecodeError decode_cgroup(const trigon_record& rec, Event* out) {
  const auto& cgroup = reinterpret_cast<const trigon_cgroup_event&>(rec);
  if (!inside(cgroup.path, rec.size)) return DecodeError::kSpan;
  out->emplace<Cgroup>(Cgroup{&cgroup, view(rec, cgroup.path)});
  return DecodeError::kNone;
}

bool is_stack(const trigon_span& span) {
  return span.len % sizeof(uint64_t) == 0 && span.len <= TRIGON_MAX_STACK * sizeof(uint64_t);
}

// The array of fields may be cut behind the last one in use: a record of two fields need not carry sixteen.
DecodeError decode_hook(const trigon_record& rec, Event* out) {
  const auto& hook = reinterpret_cast<const trigon_hook_event&>(rec);
  if (hook.matches > TRIGON_MAX_MATCHES || hook.fields > TRIGON_MAX_FIELDS || hook.entry_fields > hook.fields) {
    return DecodeError::kCount;
  }
  if (rec.size < offsetof(trigon_hook_event, field) + hook.fields * sizeof(trigon_field)) return DecodeError::kCount;
  for (uint32_t i = 0; i < hook.fields; ++i) {
    const trigon_field& field = hook.field[i];
    if (!inside(field.data, rec.size)) return DecodeError::kSpan;
    // No data at all is a value that is not there: a socket without a sock.
    if (field.data.len != 0 && field.data.len < structure_size(field.type)) return DecodeError::kField;
  }
  if (!inside(hook.kernel_stack, rec.size) || !inside(hook.user_stack, rec.size) || !inside(hook.ima, rec.size)) {
    return DecodeError::kSpan;
  }
  if (!is_stack(hook.kernel_stack) || !is_stack(hook.user_stack)) return DecodeError::kStack;
  out->emplace<Hook>().record = &hook;
  return DecodeError::kNone;
}

DecodeError decode_hook_data(const trigon_record& rec, Event* out) {
  const auto& data = reinterpret_cast<const trigon_hook_data&>(rec);
  if (data.len > rec.size - sizeof(data)) return DecodeError::kSpan;
  if (data.field >= TRIGON_MAX_FIELDS) return DecodeError::kCount;
  out->emplace<HookData>(HookData{&data, {reinterpret_cast<const char*>(&data + 1), data.len}});
  return DecodeError::kNone;
}

DecodeError decode_loader(const trigon_record& rec, Event* out) {
  const auto& loader = reinterpret_cast<const trigon_loader&>(rec);
  if (!inside(loader.path, rec.size) || !inside(loader.build_id, rec.size)) return DecodeError::kSpan;
  out->emplace<Loader>(Loader{&loader, view(rec, loader.path), view(rec, loader.build_id)});
  return DecodeError::kNone;
}

// Bytes that must be there before anything behind trigon_record is looked at; 0: unknown kind.
size_t fixed_size(uint16_t kind) {
  switch (kind) {
    case TRIGON_REC_EXEC:
    case TRIGON_REC_SNAPSHOT:
      return sizeof(trigon_exec);
    case TRIGON_REC_EXEC_DATA:
      return sizeof(trigon_exec_data);
    case TRIGON_REC_FORK:
      return sizeof(trigon_fork);
    case TRIGON_REC_EXIT:
      return sizeof(trigon_exit);
    case TRIGON_REC_HOOK:
      return offsetof(trigon_hook_event, field);
    case TRIGON_REC_CGROUP:
      return sizeof(trigon_cgroup_event);
    case TRIGON_REC_HOOK_DATA:
      return sizeof(trigon_hook_data);
    case TRIGON_REC_LOADER:
      return sizeof(trigon_loader);
    default:
      return 0;
  }
}

}  // namespace

std::string_view describe(DecodeError error) {
  switch (error) {
    case DecodeError::kNone:
      return "no error";
    case DecodeError::kShort:
      return "record too short";
    case DecodeError::kUnaligned:
      return "record not aligned to 8 bytes";
    case DecodeError::kSize:
      return "record size does not fit";
    case DecodeError::kKind:
      return "unknown record kind";
    case DecodeError::kAbi:
      return "record of another version";
    case DecodeError::kSpan:
      return "span outside the record";
    case DecodeError::kCount:
      return "more fields or matches than the record holds";
    case DecodeError::kField:
      return "field shorter than its structure";
    case DecodeError::kStack:
      return "stack trace of an impossible size";
  }
  return "unknown error";
}

size_t structure_size(uint8_t type) {
  switch (type) {
    case TRIGON_ARG_SKB:
      return sizeof(trigon_skb);
    case TRIGON_ARG_SOCK:
    case TRIGON_ARG_SOCKET:
      return sizeof(trigon_sock);
    case TRIGON_ARG_CRED:
      return sizeof(trigon_creds);
    case TRIGON_ARG_USER_NS:
      return sizeof(trigon_user_ns);
    case TRIGON_ARG_LOAD_INFO:
    case TRIGON_ARG_MODULE:
      return sizeof(trigon_module);
    case TRIGON_ARG_BPF_ATTR:
    case TRIGON_ARG_BPF_PROG:
      return sizeof(trigon_bpf_prog);
    case TRIGON_ARG_BPF_MAP:
      return sizeof(trigon_bpf_map);
    case TRIGON_ARG_PERF_EVENT:
      return sizeof(trigon_perf_event);
    default:
      return 0;
  }
}

DecodeError decode(const void* bytes, size_t size, Event* out) {
  out->emplace<std::monostate>();
  if (size < sizeof(trigon_record)) return DecodeError::kShort;
  if (reinterpret_cast<uintptr_t>(bytes) % alignof(trigon_record) != 0) return DecodeError::kUnaligned;
  const auto& rec = *static_cast<const trigon_record*>(bytes);
  if (rec.abi != TRIGON_ABI_VERSION) return DecodeError::kAbi;
  const size_t fixed = fixed_size(rec.kind);
  if (fixed == 0) return DecodeError::kKind;
  if (rec.size > size || rec.size < fixed) return DecodeError::kSize;
  switch (rec.kind) {
    case TRIGON_REC_EXEC:
    case TRIGON_REC_SNAPSHOT:
      return decode_exec(rec, out);
    case TRIGON_REC_EXEC_DATA:
      return decode_data(rec, out);
    case TRIGON_REC_FORK:
      out->emplace<Fork>(Fork{reinterpret_cast<const trigon_fork*>(bytes)});
      return DecodeError::kNone;
    case TRIGON_REC_EXIT:
      out->emplace<Exit>(Exit{reinterpret_cast<const trigon_exit*>(bytes)});
      return DecodeError::kNone;
    case TRIGON_REC_HOOK:
      return decode_hook(rec, out);
    case TRIGON_REC_HOOK_DATA:
      return decode_hook_data(rec, out);
    case TRIGON_REC_LOADER:
      return decode_loader(rec, out);
    default:
      return decode_cgroup(rec, out);
  }
}

}  // namespace trigon::event
