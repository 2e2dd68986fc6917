// Validation of the entries of kprobes, fentries, tracepoints, lsmhooks, uprobes, usdts and enforcers. What is returned
// is whole only if the sink got nothing. An entry on a list of calls or on several symbols is several hooks; one on
// something that this machine does not have, and that may be so (ignore.callNotFound), is none.
#pragma once

#include <string>
#include <vector>

#include "policy/ir.h"
#include "policy/node.h"
#include "policy/validate_args.h"
#include "policy/validate_context.h"

namespace trigon::policy {

std::vector<Hook> read_kprobe(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_fentry(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_tracepoint(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_lsm_hook(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_uprobe(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_usdt(const Node& node, const std::string& where, const Context& context);
std::vector<Hook> read_enforcer(const Node& node, const std::string& where, const Context& context);

// What every entry has: message, tags, selectors. After its arguments.
void read_common(const Fields& fields, bool args_known, const Context& context, Hook& hook);
// ignore.NAME of an entry.
bool read_ignore(const Fields& fields, std::string_view name);

}  // namespace trigon::policy
