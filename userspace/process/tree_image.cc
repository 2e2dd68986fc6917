// The part of ProcessTree that makes images and contexts from records.
#include <algorithm>
#include <cstring>

#include "event/path.h"
#include "process/tree.h"

namespace trigon::process {
namespace {

constexpr uint32_t kPfKthread = 0x00200000;  // include/linux/sched.h; stable since 2.6

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

}  // namespace

Ref<Image> ProcessTree::make_image(const event::Exec& exec, std::string_view args) {
  const trigon_exec& record = *exec.record;
  Ref<Image> image(new Image);
  image->exec_flags = record.flags;
  image->exe_path_flags = record.exe.flags;
  image->cwd_path_flags = record.cwd.flags;
  image->file = record.file;
  image->kernel_thread = (record.task.kernel_flags & kPfKthread) != 0;

  std::string& text = scratch_;
  text.clear();
  if (image->kernel_thread) {
    text.append("[").append(exec.filename.empty() ? "kthread" : exec.filename).append("]");
  } else if (!exec.exe.empty() || record.exe.components != 0) {
    event::append_path(exec.exe, record.exe.flags, &text);
  } else {
    text.append(exec.filename);  // a zombie, or a kernel that could not say more
  }
  image->binary_len = static_cast<uint32_t>(text.size());
  if (!exec.cwd.empty()) {
    event::append_path(exec.cwd, record.cwd.flags, &text);
  } else if ((record.flags & TRIGON_EXEC_NO_CWD) == 0 && !image->kernel_thread) {
    event::append_path({}, record.cwd.flags, &text);
  }
  image->cwd_len = static_cast<uint32_t>(text.size()) - image->binary_len;
  if (record.flags & TRIGON_EXEC_SCRIPT) {
    text.append(exec.filename);
    image->script_len = static_cast<uint32_t>(exec.filename.size());
  }
  image->args_size = std::max<uint32_t>(record.args_size, static_cast<uint32_t>(args.size()));
  args = args.substr(0, options_.kept_args);
  image->args_len = static_cast<uint32_t>(args.size());
  image->block.reset(new char[text.size() + args.size()]);
  std::memcpy(image->block.get(), text.data(), text.size());
  if (!args.empty()) std::memcpy(image->block.get() + text.size(), args.data(), args.size());
  return image;
}

Ref<Context> ProcessTree::make_context(const trigon_task& task, uint32_t pid, const Ref<Context>& like,
                                       bool same_cgroup) {
  if (same_cgroup && same_bytes(like->creds, task.creds) && same_bytes(like->ns, task.ns)) return like;
  Ref<Context> context(new Context);
  context->creds = task.creds;
  context->ns = task.ns;
  context->cgroup_id = task.cgroup_id;
  context->cgroup_v1 = task.cgroup_v1;
  if (same_cgroup) {
    context->cgroup_path = like->cgroup_path;
    context->container_id = like->container_id;
    context->runtime = like->runtime;
  } else if (source_ != nullptr) {
    source_->complete(pid, context.get());
  }
  return context;
}

Ref<Context> ProcessTree::exec_context(const trigon_task& task, uint32_t pid, const Ref<Context>& like) {
  const bool same_cgroup =
      task.cgroup_id != 0 && like->cgroup_id == task.cgroup_id && like->cgroup_v1 == task.cgroup_v1;
  return make_context(task, pid, like, same_cgroup);
}

Ref<Context> ProcessTree::forked_context(const trigon_fork& fork, const Ref<Context>& parent) {
  trigon_task task{};
  task.creds = parent->creds;
  task.ns = fork.has_ns != 0 ? fork.ns : parent->ns;
  const bool is_told = fork.cgroup_id != 0;
  task.cgroup_id = is_told ? fork.cgroup_id : parent->cgroup_id;
  task.cgroup_v1 = is_told ? fork.cgroup_v1 : parent->cgroup_v1;
  const bool same_cgroup = !is_told || (fork.cgroup_id == parent->cgroup_id && fork.cgroup_v1 == parent->cgroup_v1);
  return make_context(task, fork.rec.pid, parent, same_cgroup);
}

}  // namespace trigon::process
