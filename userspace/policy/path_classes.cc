#include "policy/path_classes.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace trigon::policy {
namespace {

bool is_text(Match match) { return match == Match::kExact || match == Match::kPrefix || match == Match::kPostfix; }

struct Strings {
  std::vector<std::string> paths, postfixes;

  void add(const Predicate& predicate) {
    auto& list = is_reversed(predicate.match) ? postfixes : paths;
    for (const std::string& s : predicate.strings) list.push_back(trie_bytes(predicate.match, s));
  }
};

}  // namespace

const Arg& arg_of(const Hook& hook, const ArgFilter& filter) {
  switch (filter.role) {
    case Role::kArg:
      return hook.args[filter.arg];
    case Role::kData:
      return hook.data[filter.arg];
    case Role::kReturn:
      break;
  }
  return *hook.return_arg;
}

PathClasses::PathClasses(std::span<const Policy* const> policies, const CompileOptions& options) {
  Strings strings;
  const auto add_args = [&strings](const Hook& hook, const std::vector<ArgFilter>& filters) {
    for (const ArgFilter& filter : filters) {
      if (is_text(filter.predicate.match) && arg_of(hook, filter).kind == ValueKind::kPath) {
        strings.add(filter.predicate);
      }
    }
  };
  for (const Policy* policy : policies) {
    for (const Hook& hook : policy->hooks) {
      for (const Selector& selector : hook.selectors) {
        add_args(hook, selector.args);
        add_args(hook, selector.return_args);
        for (const BinaryFilter& filter : selector.binaries) {
          strings.add(filter.predicate);
          if (policy->literal_binaries || filter.predicate.match != Match::kExact || !options.resolve_file) continue;
          for (const std::string& path : filter.predicate.strings) collect_file(path, options);
        }
      }
    }
  }
  paths_ = PrefixEntries(std::move(strings.paths));
  postfixes_ = PrefixEntries(std::move(strings.postfixes));
}

void PathClasses::collect_file(const std::string& path, const CompileOptions& options) {
  const auto [known, is_new] = file_of_.try_emplace(path, 0);
  if (!is_new) return;
  const std::optional<FileId> id = options.resolve_file(path);
  if (!id) return;
  known->second = files_.try_emplace(*id, static_cast<uint32_t>(files_.size() + 1)).first->second;
}

uint32_t PathClasses::file(const std::string& path) const {
  const auto found = file_of_.find(path);
  return found == file_of_.end() ? 0 : found->second;
}

void PathClasses::write(Tables& tables, CompiledSet& out) const {
  const uint32_t parity = out.generation & 1;
  if (paths_.size() + postfixes_.size() == 0) return;
  const uint32_t dim = tables.new_dim(2);
  out.control.path_dim[parity] = dim;
  const auto write = [&tables](uint32_t to, const PrefixEntries& entries) {
    TrieTable table(tables, to);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!entries.at(i).empty()) table.add(entries.at(i), entries.class_of(i), entries.leads(i));
    }
  };
  write(dim, paths_);
  write(dim + 1, postfixes_);
  for (size_t i = 0; i < postfixes_.size(); ++i) {
    const auto size = static_cast<uint32_t>(postfixes_.at(i).size());
    out.control.path_post[parity] = std::max(out.control.path_post[parity], size);
  }
  if (files_.empty()) return;
  const uint32_t file_dim = tables.new_dim();
  out.control.file_dim[parity] = file_dim;
  for (const auto& [id, number] : files_) tables.number(file_dim, id.inode, number, id.device);
}

}  // namespace trigon::policy
