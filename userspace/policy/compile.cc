#include "policy/compile.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "policy/hook_tables.h"

namespace trigon::policy {
namespace {

// One place where events come from. All system calls together (raw_syscalls) are a place of their own.
using Place = std::pair<uint8_t, uint16_t>;  // enum trigon_syscall_abi, number
constexpr Place kRawPlace{TRIGON_ABIS, 0};

// The places that lead to a hook entry.
std::vector<Place> places_of(const Hook& hook) {
  if (hook.raw_syscalls) return {kRawPlace};
  if (hook.target.abi == Abi::kI386) return {{TRIGON_ABI_COMPAT32, hook.target.number}};
  std::vector<Place> places{{TRIGON_ABI_NATIVE, hook.target.number}};
  // An x32 call enters the kernel through the same function, so a kprobe on it sees it; the tracepoints of single
  // system calls leave it out.
  if (hook.kind == HookKind::kKprobe && hook.target.abi == Abi::kX64) {
    places.emplace_back(TRIGON_ABI_X32, hook.target.number);
  }
  return places;
}

BinaryClasses collect_binaries(std::span<const Policy> policies) {
  std::vector<std::string> paths, postfixes;
  for (const Policy& policy : policies) {
    for (const Hook& hook : policy.hooks) {
      for (const Selector& selector : hook.selectors) {
        for (const auto& [predicate, parent, follow_children] : selector.binaries) {
          auto& list = is_reversed(predicate.match) ? postfixes : paths;
          for (const std::string& s : predicate.strings) list.push_back(trie_bytes(predicate.match, s));
        }
      }
    }
  }
  return {PrefixEntries(std::move(paths)), PrefixEntries(std::move(postfixes))};
}

// The two dimensions of the process: entries carry the class of their path.
void write_binaries(const BinaryClasses& binaries, Tables& tables, CompiledSet& out) {
  if (binaries.paths.size() + binaries.postfixes.size() == 0) return;
  const uint32_t paths = tables.new_dim();
  const uint32_t postfixes = tables.new_dim();
  out.control.path_dim[out.generation & 1] = paths;
  const auto write = [&tables](uint32_t dim, const PrefixEntries& entries) {
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!entries.at(i).empty()) tables.prefix(dim, entries.at(i), static_cast<uint32_t>(i + 1));
    }
  };
  write(paths, binaries.paths);
  write(postfixes, binaries.postfixes);
}

}  // namespace

Result<CompiledSet> compile(std::span<const Policy> policies, uint32_t generation, const CompileState& state) {
  CompiledSet out;
  out.generation = generation;
  out.control.generation = generation;
  out.state = state;
  out.syscalls.assign(TRIGON_ABIS * TRIGON_MAX_SYSCALLS, 0);
  Tables tables(out);

  TRIGON_TRY(const FollowTable follow, FollowTable::create(policies));
  follow.write(out.control);
  const BinaryClasses binaries = collect_binaries(policies);
  write_binaries(binaries, tables, out);

  std::map<Place, std::vector<HookEntry>> places;
  for (const Policy& policy : policies) {
    for (const Hook& hook : policy.hooks) {
      for (const Place& place : places_of(hook)) places[place].push_back({&policy, &hook});
    }
  }
  for (const auto& [place, entries] : places) {
    const auto [abi, number] = place;
    if (abi == TRIGON_ABI_X32) {
      const auto native = places.find({TRIGON_ABI_NATIVE, number});
      const bool same = native->second.size() == entries.size();  // the native place has these and perhaps more
      if (same) {
        out.syscalls[abi * TRIGON_MAX_SYSCALLS + number] =
            out.syscalls[TRIGON_ABI_NATIVE * TRIGON_MAX_SYSCALLS + number];
        continue;
      }
    }
    if (out.hook_tables.size() == TRIGON_MAX_HOOKS) {
      return Error(ErrorCode::kInvalidPolicy, fmt::format("policy {}: more than {} system calls are hooked",
                                                          entries.back().policy->name, TRIGON_MAX_HOOKS));
    }
    TRIGON_CHECK(add_hook(entries, binaries, follow, tables, out));
    const auto slot = static_cast<uint16_t>(out.hook_tables.size());  // + 1
    if (place == kRawPlace) {
      out.control.raw_hook[generation & 1] = slot;
    } else {
      out.syscalls[abi * TRIGON_MAX_SYSCALLS + number] = slot;
    }
  }
  return out;
}

}  // namespace trigon::policy
