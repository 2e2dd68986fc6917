#include "process/process.h"

#include "process/tree.h"

namespace trigon::process {

std::string_view runtime_name(ContainerRuntime runtime) {
  switch (runtime) {
    case ContainerRuntime::kNone:
      return "";
    case ContainerRuntime::kDocker:
      return "docker";
    case ContainerRuntime::kContainerd:
      return "containerd";
    case ContainerRuntime::kCrio:
      return "cri-o";
    case ContainerRuntime::kPodman:
      return "podman";
    case ContainerRuntime::kNspawn:
      return "systemd-nspawn";
    case ContainerRuntime::kLxc:
      return "lxc";
    case ContainerRuntime::kUnknown:
      break;
  }
  return "unknown";
}

void dispose(Context* context) { delete context; }
void dispose(Image* image) { delete image; }

// A loop, not a recursion: a chain of ancestors can be as long as the cap.
void dispose(Process* process) {
  while (process != nullptr) {
    Process* parent = process->parent.release();
    if (ProcessTree* tree = process->owner_; tree != nullptr) {
      tree->move_to(process, Process::Place::kNone);
      --tree->entries_;
    }
    delete process;
    process = parent != nullptr && --parent->refs == 0 ? parent : nullptr;
  }
}

}  // namespace trigon::process
