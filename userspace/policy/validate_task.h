// Filters on the process that does something: its ids, binaries, namespaces, capabilities and credentials.
#pragma once

#include "policy/fields.h"
#include "policy/ir.h"
#include "policy/validate_context.h"

namespace trigon::policy {

// matchPIDs, matchBinaries, matchParentBinaries, matchNamespaces, matchNamespaceChanges, matchCapabilities,
// matchCapabilityChanges and matchCurrentCred of a selector.
void read_task_filters(const Fields& selector, const Context& context, Selector& out);

}  // namespace trigon::policy
