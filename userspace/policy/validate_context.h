// What the entries of one policy share while it is validated: the kernel it is for, its lists, macros and options.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/diagnostics.h"
#include "policy/node.h"
#include "policy/validate.h"

namespace trigon::policy {

// An entry of spec.lists.
struct List {
  enum class Type { kFunctions, kSyscalls, kGeneratedSyscalls, kGeneratedFtrace };
  std::string name;
  Type type = Type::kFunctions;
  std::string pattern;                                   // kGeneratedFtrace
  std::vector<std::pair<std::string, Position>> values;  // kFunctions, kSyscalls
  bool valid = true;                                     // false: it has been complained about
};

struct Context {
  const Options& options;
  Sink& sink;
  std::vector<List> lists;
  std::vector<std::pair<std::string, const Node*>> macros;  // spec.selectorsMacros
  bool enforcers = false;                                   // there are some
  bool no_kprobe_multi = false;
  bool no_uprobe_multi = false;

  const KernelInfo* kernel() const { return options.kernel; }
};

}  // namespace trigon::policy
