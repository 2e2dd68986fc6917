// The paths and files that any policy of a generation names. A path's class is the number of its longest entry, a
// file's class the number of its identity; both are found once per file or image, and each hook then looks the class up
// like any number.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>

#include "policy/compile.h"
#include "policy/ir.h"
#include "policy/tables.h"
#include "policy/tries.h"

namespace trigon::policy {

class PathClasses {
 public:
  PathClasses(std::span<const Policy* const> policies, const CompileOptions& options);

  void write(Tables& tables, CompiledSet& out) const;

  const PrefixEntries& paths() const { return paths_; }          // exact and prefix values
  const PrefixEntries& postfixes() const { return postfixes_; }  // reversed
  // Class of the file that this exact value leads to, 0: none is known.
  uint32_t file(const std::string& path) const;

 private:
  void collect_file(const std::string& path, const CompileOptions& options);

  PrefixEntries paths_, postfixes_;
  std::map<FileId, uint32_t> files_;
  std::unordered_map<std::string, uint32_t> file_of_;  // by path
};

// The value that a filter is about.
const Arg& arg_of(const Hook& hook, const ArgFilter& filter);

}  // namespace trigon::policy
