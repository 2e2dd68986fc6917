// Container ids from cgroup paths. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "process/process.h"

namespace trigon::enrich {

struct ContainerName {
  std::string_view id;  // points into the path
  process::ContainerRuntime runtime = process::ContainerRuntime::kUnknown;
};

// The innermost container that the path names:
//   docker     /docker/ID · /system.slice/docker-ID.scope
//   containerd …/cri-containerd-ID.scope · /NAMESPACE/ID with an id of 64 hex digits
//   kubelet    /kubepods[/besteffort|/burstable]/podUID/ID · …/kubepods-…-podUID.slice/RUNTIME-ID.scope
//   cri-o      …/crio-ID.scope · …/crio-ID
//   podman     …/libpod-ID.scope · …/libpod_parent/libpod-ID (also "/container" and "/init.scope" below)
//   nspawn     /machine.slice/systemd-nspawn@NAME.service · /machine.slice/machine-NAME.scope
//   lxc        /lxc/NAME · /lxc.payload.NAME
// Free-text names without any of these marks (ctr, plain runc) cannot be told from ordinary cgroups: nullopt.
std::optional<ContainerName> container_of(std::string_view cgroup_path);

}  // namespace trigon::enrich
