// ContextEnricher: what a process tree asks when processes appear in a new cgroup. Single-threaded.
#pragma once

#include "process/tree.h"
#include "sys/cgroupfs.h"

namespace trigon::enrich {

class ContextEnricher : public process::ContextSource {
 public:
  // The resolver must outlive this.
  explicit ContextEnricher(sys::CgroupResolver* resolver) : resolver_(resolver) {}
  void complete(uint32_t pid, process::Context* context) override;

 private:
  sys::CgroupResolver* resolver_;
};

}  // namespace trigon::enrich
