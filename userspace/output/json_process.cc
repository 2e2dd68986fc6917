#include "output/json_process.h"

#include <algorithm>
#include <cstring>

#include "output/json_structures.h"

namespace trigon::output {
namespace {

// Caches are told apart by a number per writer: two writers with different options must not share them.
uint32_t next_owner() {
  static uint32_t last = 0;
  return ++last;
}

void put_member(std::string_view key, uint64_t value, Buffer* out) {
  out->append(key);
  put_uint(value, out);
}

// What `docker` has always shown: the first 31 characters of the id.
constexpr size_t kDockerChars = 31;

constexpr std::string_view kExecIdKey = "{\"exec_id\":\"";

}  // namespace

ProcessJson::ProcessJson(const JsonOptions* options, const sys::BootClock* clock)
    : options_(options), clock_(clock), owner_(next_owner()), id_text_(options->node_name + ":") {
  id_prefix_ = id_text_.size();
  id_encoded_ = id_prefix_ / 3 * 3;
  Buffer encoded;
  put_base64(std::string_view(id_text_).substr(0, id_encoded_), &encoded);
  id_base64_ = encoded.view();
  id_text_.resize(id_prefix_ + 2 * kMaxDigits + 1);
}

void ProcessJson::put_exec_id(const process::Process& process, Buffer* out) {
  // Most ids are asked for as somebody's parent, right after the parent itself was rendered.
  if (process.render.owner == owner_) {
    const std::string_view text = std::string_view(process.render.text).substr(kExecIdKey.size());
    out->append(text.substr(0, text.find('"')));
    return;
  }
  char* end = write_uint(id_text_.data() + id_prefix_, process.birth_ns);
  *end++ = ':';
  end = write_uint(end, process.pid);
  out->append(id_base64_);
  const char* const from = id_text_.data() + id_encoded_;
  put_base64({from, static_cast<size_t>(end - from)}, out);
}

void ProcessJson::put_flags(const process::Process& process, bool args_cut, Buffer* out) {
  const process::Image& image = *process.image;
  const bool unknown = process.has(process::kProcessUnknown);
  char* const start = out->reserve(256);
  char* to = start;
  const auto word = [&](bool present, std::string_view text) {
    if (!present) return;
    if (to != start) *to++ = ' ';
    text.copy(to, text.size());
    to += text.size();
  };
  word(process.has(process::kProcessExec), "execve");
  word(process.has(process::kProcessSnapshot), "procFS");
  word(process.has(process::kProcessClone), "clone");
  if (!unknown) {
    word((image.exec_flags & TRIGON_EXEC_ROOT_CWD) != 0, "rootcwd");
    word((image.exec_flags & TRIGON_EXEC_NO_CWD) != 0, "nocwd");
    word(args_cut || (image.exec_flags & TRIGON_EXEC_TRUNC_ARGS) != 0, "truncArgs");
    word((image.exe_path_flags & TRIGON_PATH_ERROR) != 0, "errorFilename");
    word((image.exec_flags & TRIGON_EXEC_ERROR_ARGS) != 0, "errorArgs");
    word((image.cwd_path_flags & TRIGON_PATH_ERROR) != 0, "errorCWD");
    word((image.exec_flags & TRIGON_EXEC_ERROR_ENV) != 0, "errorEnvs");
    word((image.cwd_path_flags & TRIGON_PATH_TRUNCATED) != 0, "errorPathResolutionCwd");
    word((image.exec_flags & TRIGON_EXEC_ARGS_DATA) != 0, "dataArgs");
    word(process.has(process::kProcessInInit), "inInitTree");
  }
  word(unknown, "unknown");
  out->advance_to(to);
}

void ProcessJson::open(const process::Process& process, std::string_view args, bool args_cut, Buffer* out) {
  const process::Image& image = *process.image;
  const process::Context& context = *process.context;
  const bool unknown = process.has(process::kProcessUnknown);
  out->append(kExecIdKey);
  put_exec_id(process, out);
  put_member("\",\"pid\":", process.pid, out);
  if (!unknown) put_member(",\"uid\":", context.creds.euid, out);
  if (image.cwd_len != 0) {
    out->append(",\"cwd\":");
    put_string(image.cwd(), out);
  }
  if (image.binary_len != 0) {
    out->append(",\"binary\":");
    put_string(image.binary(), out);
  }
  const size_t before = out->size();
  out->append(",\"arguments\":\"");
  const size_t empty = out->size();
  join_arguments(args, [&](std::string_view piece) { put_escaped(piece, out); });
  if (out->size() == empty) {
    out->truncate(before);
  } else {
    out->append('"');
  }
  out->append(",\"flags\":\"");
  put_flags(process, args_cut, out);
  out->append("\",\"start_time\":\"");
  time_.put(clock_->wall_ns(process.birth_ns), out);
  put_member("\",\"auid\":", unknown ? 4294967295u : context.creds.loginuid, out);
  if (process.parent) {
    out->append(",\"parent_exec_id\":\"");
    put_exec_id(*process.parent, out);
    out->append('"');
  }
  out->append(",\"refcnt\":1");
  if (!unknown) put_context(context, out);
  if (!context.container_id.empty()) {
    out->append(process.has(process::kProcessInInit) ? ",\"in_init_tree\":true" : ",\"in_init_tree\":false");
  }
}

const std::string& ProcessJson::opened(const process::Process& process) {
  process::RenderCache& cache = process.render;
  if (cache.owner != owner_) [[unlikely]] {
    scratch_.clear();
    open(process, process.image->args(), process.image->args_cut(), &scratch_);
    cache.text.assign(scratch_.data(), scratch_.size());
    cache.owner = owner_;
  }
  return cache.text;
}

void ProcessJson::put(const process::Process& process, uint32_t tid, Buffer* out) {
  const std::string& text = opened(process);
  constexpr std::string_view kTid = ",\"tid\":";
  char* to = out->reserve(text.size() + kTid.size() + kMaxDigits + 1);
  std::memcpy(to, text.data(), text.size());
  std::memcpy(to + text.size(), kTid.data(), kTid.size());
  to = write_uint(to + text.size() + kTid.size(), tid);
  *to = '}';
  out->advance_to(to + 1);
}

void ProcessJson::put_parent(const process::Process& process, Buffer* out) {
  if (!process.parent) return;
  out->append(",\"parent\":");
  put(*process.parent, process.parent->pid, out);
}

void ProcessJson::put_ancestors(const process::Process& process, Buffer* out) {
  if (!process.parent) return;
  const auto ancestors = process::ProcessTree::ancestors(*process.parent);
  if (ancestors.empty()) return;
  out->append(",\"ancestors\":");
  char separator = '[';
  for (const process::Process* ancestor : ancestors) {
    out->append(separator);
    separator = ',';
    put(*ancestor, ancestor->pid, out);
  }
  out->append(']');
}

void ProcessJson::put_exec(const ExecEvent& event, Buffer* out) {
  const process::Process& process = event.process;
  if (process.parent) opened(*process.parent);  // its id is needed here already
  // The image keeps the beginning of a long vector only; this event has all of it.
  if (event.data.args.size() > process.image->args_len) {
    open(process, event.data.args, event.data.args.size() < process.image->args_size, out);
  } else {
    out->append(opened(process));
  }
  put_binary_properties(event, out);
  if (options_->environment) put_environment(event.data.env, out);
  if (options_->extensions) put_extension(event, out);
  put_member(",\"tid\":", event.exec.record->rec.tid, out);
  out->append('}');
}

// Everything that is the same for all processes of a context; most of the text with credentials enabled.
void ProcessJson::put_context(const process::Context& context, Buffer* out) {
  process::RenderCache& cache = context.render;
  if (cache.owner == owner_) {
    out->append(cache.text);
    return;
  }
  const size_t start = out->size();
  if (!context.container_id.empty()) {
    out->append(",\"docker\":");
    put_string(std::string_view(context.container_id).substr(0, kDockerChars), out);
  }
  if (options_->process_cred) {
    out->append(",\"cap\":");
    put_json_capabilities(context.creds, out);
    out->append(",\"process_credentials\":");
    put_json_credentials(context.creds, context.ns.user, options_->host_ns.user, out);
  }
  if (options_->process_ns) put_namespaces(context.ns, out);
  cache.text.assign(out->view(start));
  cache.owner = owner_;
}

void ProcessJson::put_namespaces(const trigon_namespaces& ns, Buffer* out) {
  const trigon_namespaces& host = options_->host_ns;
  const struct {
    std::string_view key;
    uint32_t inum;
    uint32_t host_inum;
  } members[] = {{"\"uts\":{", ns.uts, host.uts},
                 {"\"ipc\":{", ns.ipc, host.ipc},
                 {"\"mnt\":{", ns.mnt, host.mnt},
                 {"\"pid\":{", ns.pid, host.pid},
                 {"\"pid_for_children\":{", ns.pid_for_children, host.pid_for_children},
                 {"\"net\":{", ns.net, host.net},
                 {"\"time\":{", ns.time, host.time},
                 {"\"time_for_children\":{", ns.time_for_children, host.time_for_children},
                 {"\"cgroup\":{", ns.cgroup, host.cgroup},
                 {"\"user\":{", ns.user, host.user}};
  out->append(",\"ns\":");
  char separator = '{';
  for (const auto& member : members) {
    if (member.inum == 0) continue;
    out->append(separator);
    separator = ',';
    out->append(member.key);
    put_member("\"inum\":", member.inum, out);
    out->append(member.inum == member.host_inum ? ",\"is_host\":true}" : "}");
  }
  out->append(separator == '{' ? "{}" : "}");
}

void ProcessJson::put_binary_properties(const ExecEvent& event, Buffer* out) {
  const trigon_exec& record = *event.exec.record;
  const bool is_raised =
      (record.flags & (TRIGON_EXEC_RAISED_SETUID | TRIGON_EXEC_RAISED_SETGID | TRIGON_EXEC_RAISED_FILE_CAP)) != 0;
  const bool has_file = record.file.inode != 0 || record.exe.components != 0;
  const bool is_nameless =
      has_file && (record.file.nlink == 0 || (record.exe.flags & (TRIGON_PATH_UNLINKED | TRIGON_PATH_PSEUDO)) != 0);
  const bool raised = is_raised && options_->process_cred;
  if (!raised && !is_nameless) return;
  out->append(",\"binary_properties\":{");
  if (raised) {
    if (record.flags & TRIGON_EXEC_RAISED_SETUID) {
      put_member("\"setuid\":", record.task.creds.euid, out);
      out->append(',');
    }
    if (record.flags & TRIGON_EXEC_RAISED_SETGID) {
      put_member("\"setgid\":", record.task.creds.egid, out);
      out->append(',');
    }
    out->append("\"privileges_changed\":[");
    bool any = false;
    const auto change = [&](uint32_t flag, std::string_view name) {
      if ((record.flags & flag) == 0) return;
      if (any) out->append(',');
      any = true;
      out->append(name);
    };
    change(TRIGON_EXEC_RAISED_FILE_CAP, "\"PRIVILEGES_RAISED_EXEC_FILE_CAP\"");
    change(TRIGON_EXEC_RAISED_SETUID, "\"PRIVILEGES_RAISED_EXEC_FILE_SETUID\"");
    change(TRIGON_EXEC_RAISED_SETGID, "\"PRIVILEGES_RAISED_EXEC_FILE_SETGID\"");
    out->append(']');
    if (is_nameless) out->append(',');
  }
  if (is_nameless) {
    put_member("\"file\":{\"inode\":{\"number\":\"", record.file.inode, out);
    put_member("\",\"links\":", record.file.nlink, out);
    out->append("},\"path\":");
    put_string(event.process.image->binary(), out);
    out->append('}');
  }
  out->append('}');
}

void ProcessJson::put_environment(std::string_view env, Buffer* out) {
  const std::vector<std::string>& wanted = options_->environment_names;
  bool any = false;
  for_each_string(env, [&](std::string_view entry) {
    const size_t equals = std::min(entry.find('='), entry.size());
    const std::string_view key = entry.substr(0, equals);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), key) == wanted.end()) return;
    out->append(any ? "," : ",\"environment_variables\":[");
    any = true;
    out->append("{\"Key\":");
    put_string(key, out);
    if (equals + 1 < entry.size()) {
      out->append(",\"Value\":");
      put_string(entry.substr(equals + 1), out);
    }
    out->append('}');
  });
  if (any) out->append(']');
}

// What the published schema has no member for, in an object of our own; see docs/reference/events.md.
void ProcessJson::put_extension(const ExecEvent& event, Buffer* out) {
  const process::Process& process = event.process;
  const process::Image& image = *process.image;
  const process::Context& context = *process.context;
  const trigon_exec& record = *event.exec.record;
  out->append(",\"trigon\":{\"argv\":[");
  bool any = false;
  for_each_string(event.data.args, [&](std::string_view arg) {
    if (any) out->append(',');
    any = true;
    put_string(arg, out);
  });
  out->append(']');
  if (image.script_len != 0) {
    out->append(",\"script\":");
    put_string(image.script(), out);
    if (!event.exec.interp.empty()) {
      out->append(",\"interpreter\":");
      put_string(event.exec.interp, out);
    }
  } else if (!event.exec.filename.empty() && event.exec.filename != image.binary()) {
    out->append(",\"filename\":");
    put_string(event.exec.filename, out);
  }
  put_member(",\"pid_in_ns\":", process.ns_pid, out);
  put_member(",\"start_boot_ns\":\"", process.start_ns, out);
  const trigon_creds& creds = context.creds;
  put_member("\",\"gid\":", creds.gid, out);
  put_member(",\"egid\":", creds.egid, out);
  if (creds.uid != creds.euid) put_member(",\"ruid\":", creds.uid, out);
  if (creds.suid != creds.euid) put_member(",\"suid\":", creds.suid, out);
  if (creds.sgid != creds.egid) put_member(",\"sgid\":", creds.sgid, out);
  if (creds.fsuid != creds.euid) put_member(",\"fsuid\":", creds.fsuid, out);
  if (creds.fsgid != creds.egid) put_member(",\"fsgid\":", creds.fsgid, out);
  if (creds.sessionid != 4294967295u) put_member(",\"sessionid\":", creds.sessionid, out);
  if (context.cgroup_id != 0) {
    put_member(",\"cgroup\":{\"id\":\"", context.cgroup_id, out);
    out->append('"');
    if (!context.cgroup_path.empty()) {
      out->append(",\"path\":");
      put_string(context.cgroup_path, out);
    }
    out->append('}');
  }
  if (!context.container_id.empty()) {
    out->append(",\"container\":{\"id\":");
    put_string(context.container_id, out);
    out->append(",\"runtime\":");
    put_string(process::runtime_name(context.runtime), out);
    out->append('}');
  }
  if (record.file.inode != 0) {
    out->append(",\"file\":");
    put_json_file(record.file, out);
  }
  const struct {
    bool present;
    std::string_view name;
  } flags[] = {{(record.flags & TRIGON_EXEC_SECURE) != 0, "\"secureexec\""},
               {(record.flags & TRIGON_EXEC_BY_THREAD) != 0, "\"by_thread\""},
               {(record.flags & TRIGON_EXEC_FDPATH) != 0, "\"fdpath\""},
               {(record.flags & TRIGON_EXEC_RAISED_SETUID) != 0, "\"setuid\""},
               {(record.flags & TRIGON_EXEC_RAISED_SETGID) != 0, "\"setgid\""},
               {(record.flags & TRIGON_EXEC_RAISED_FILE_CAP) != 0, "\"file_caps\""},
               {(record.flags & TRIGON_EXEC_TRUNC_ENV) != 0 || event.data.env_lost, "\"truncEnv\""},
               {(record.exe.flags & TRIGON_PATH_TRUNCATED) != 0, "\"truncBinary\""},
               {image.kernel_thread, "\"kernel_thread\""}};
  any = false;
  for (const auto& flag : flags) {
    if (!flag.present) continue;
    out->append(any ? "," : ",\"flags\":[");
    any = true;
    out->append(flag.name);
  }
  if (any) out->append(']');
  if (record.flags & TRIGON_EXEC_BY_THREAD) put_member(",\"old_tid\":", record.old_tid, out);
  if (event.data.args_lost || event.data.args.size() < image.args_size) {
    put_member(",\"args_size\":", image.args_size, out);
  }
  out->append('}');
}

}  // namespace trigon::output
