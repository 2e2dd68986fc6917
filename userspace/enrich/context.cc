#include "enrich/context.h"

#include "enrich/container.h"

namespace trigon::enrich {

void ContextEnricher::complete(uint32_t pid, process::Context* context) {
  if (context->cgroup_id == 0 && pid == 0) return;
  auto path = resolver_->resolve(context->cgroup_id, context->cgroup_v1, pid);
  if (!path) return;
  context->cgroup_path = *std::move(path);
  if (const auto container = container_of(context->cgroup_path)) {
    context->container_id = container->id;
    context->runtime = container->runtime;
  }
}

}  // namespace trigon::enrich
