#include "engine/kernel_info.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>

#include "base/suggest.h"
#include "engine/tracepoint_format.h"
#include "engine/type_path.h"
#include "policy/registers.h"
#include "sys/kernel.h"

namespace trigon::engine {
namespace {

namespace fs = std::filesystem;
using bpf::KernelTypes;

// include/trace/bpf_probe.h: the prototype of a tracepoint's BPF probe is a typedef of this name; its first parameter
// is the probe's own.
constexpr std::string_view kProbePrefix = "btf_trace_";
// include/linux/bpf_lsm.h.
constexpr std::string_view kLsmPrefix = "bpf_lsm_";

Error unsupported(std::string message) { return Error(ErrorCode::kUnsupported, std::move(message)); }

// Names go into paths of tracefs.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
}

}  // namespace

// Types with an index of the names that policies use.
struct RunningKernel::Types {
  explicit Types(KernelTypes read) : types(std::move(read)) {
    for (uint32_t id = std::max(types.first(), 1u); id < types.count(); ++id) add(id);
  }

  KernelTypes types;
  std::unordered_map<std::string_view, uint32_t> functions;   // FUNC
  std::unordered_map<std::string_view, uint32_t> structures;  // STRUCT and UNION, typedefs of those without a name
  std::unordered_map<std::string_view, uint32_t> probes;      // typedefs btf_trace_*, without the prefix

 private:
  void add(uint32_t id) {
    const btf_type& type = types.type(id);
    if (type.name_off == 0) return;
    const uint32_t kind = BTF_INFO_KIND(type.info);
    if (kind != BTF_KIND_FUNC && kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION && kind != BTF_KIND_TYPEDEF) return;
    const std::string_view name = types.name(type.name_off);
    if (kind == BTF_KIND_FUNC) {
      functions.try_emplace(name, id);
    } else if (kind != BTF_KIND_TYPEDEF) {
      structures.insert_or_assign(name, id);
    } else if (name.starts_with(kProbePrefix)) {
      probes.try_emplace(name.substr(kProbePrefix.size()), id);
    } else {
      const uint32_t target = types.resolve(id);
      const uint32_t behind = types.kind(target);
      const bool nameless = types.type(target).name_off == 0;
      if (nameless && (behind == BTF_KIND_STRUCT || behind == BTF_KIND_UNION)) structures.try_emplace(name, target);
    }
  }
};

struct RunningKernel::Found {
  const Types* in;
  uint32_t id;
};

RunningKernel::RunningKernel(const trigon_namespaces& host) : RunningKernel(host, Paths()) {}
RunningKernel::RunningKernel(const trigon_namespaces& host, Paths paths) : host_(host), paths_(std::move(paths)) {}
RunningKernel::~RunningKernel() = default;

void RunningKernel::forget() {
  modules_.clear();  // they refer to the kernel's
  kernel_.reset();
  functions_ = {};
}

Result<const RunningKernel::Types*> RunningKernel::kernel_types() const {
  if (!kernel_) {
    auto read = KernelTypes::read(paths_.types.c_str());
    if (!read.ok()) return std::move(read).error();
    kernel_ = std::make_unique<Types>(std::move(*read));
  }
  return kernel_.get();
}

Result<const RunningKernel::Types*> RunningKernel::module_types(const std::string& name) const {
  const auto kernel = kernel_types();
  if (!kernel.ok()) return kernel;
  auto& slot = modules_[name];
  if (!slot) {
    const std::string path = paths_.modules + "/" + name;
    if (!is_plain_name(name) || !fs::exists(path)) {
      modules_.erase(name);
      return unsupported(
          fmt::format("there are no types of a module `{}` here: it is not loaded, or built without them", name));
    }
    auto read = KernelTypes::read(path.c_str(), &(*kernel)->types);
    if (!read.ok()) {
      modules_.erase(name);
      return std::move(read).error();
    }
    slot = std::make_unique<Types>(std::move(*read));
  }
  return slot.get();
}

std::vector<std::string> RunningKernel::module_names() const {
  std::vector<std::string> names;
  const std::string own = fs::path(paths_.types).filename();
  std::error_code error;
  for (fs::directory_iterator it(paths_.modules, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename() != own) names.push_back(it->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<RunningKernel::Found> RunningKernel::find_function(const std::string& name) const {
  const auto kernel = kernel_types();
  if (!kernel.ok()) return kernel.error();
  if (const auto found = (*kernel)->functions.find(name); found != (*kernel)->functions.end()) {
    return Found{*kernel, found->second};
  }
  for (const std::string& module : module_names()) {
    const auto types = module_types(module);
    if (!types.ok()) continue;
    if (const auto found = (*types)->functions.find(name); found != (*types)->functions.end()) {
      return Found{*types, found->second};
    }
  }
  std::vector<std::string_view> names;
  for (const auto& [each, id] : (*kernel)->functions) names.push_back(each);
  std::sort(names.begin(), names.end());  // the first of equals is named
  return unsupported(
      fmt::format("this kernel has no function `{}` (absent, or inlined){}", name, did_you_mean(name, names)));
}

Result<policy::Prototype> RunningKernel::read_function(const std::string& name) const {
  const auto found = find_function(name);
  if (!found.ok()) return found.error();
  return describe_prototype(found->in->types, found->in->types.type(found->id).type);
}

Result<policy::Prototype> RunningKernel::read_lsm(const std::string& hook) const {
  const auto kernel = kernel_types();
  if (!kernel.ok()) return kernel.error();
  const auto& functions = (*kernel)->functions;
  if (const auto found = functions.find(std::string(kLsmPrefix) + hook); found != functions.end()) {
    return describe_prototype((*kernel)->types, (*kernel)->types.type(found->second).type);
  }
  std::vector<std::string_view> names;
  for (const auto& [each, id] : functions) {
    if (each.starts_with(kLsmPrefix)) names.push_back(each.substr(kLsmPrefix.size()));
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) return unsupported("this kernel has no BPF LSM (CONFIG_BPF_LSM)");
  return unsupported(fmt::format("this kernel has no LSM hook `{}`{}", hook, did_you_mean(hook, names)));
}

Result<policy::Prototype> RunningKernel::read_raw_tracepoint(const std::string& event) const {
  const auto kernel = kernel_types();
  if (!kernel.ok()) return kernel.error();
  std::vector<const Types*> all{*kernel};
  if (!(*kernel)->probes.contains(event)) {
    for (const std::string& module : module_names()) {
      if (const auto types = module_types(module); types.ok()) all.push_back(*types);
    }
  }
  std::vector<std::string_view> names;
  for (const Types* in : all) {
    if (const auto found = in->probes.find(event); found != in->probes.end()) {
      const uint32_t pointer = in->types.resolve(found->second);
      return describe_prototype(in->types, in->types.resolve(in->types.type(pointer).type), 1);
    }
    for (const auto& [each, id] : in->probes) names.push_back(each);
  }
  std::sort(names.begin(), names.end());
  return unsupported(fmt::format("this kernel has no tracepoint `{}`{}", event, did_you_mean(event, names)));
}

Result<int> RunningKernel::tracefs() const {
  if (!tracefs_) {
    tracefs_ = paths_.tracefs.empty() ? sys::open_filesystem("tracefs")
                                      : Fd(open(paths_.tracefs.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!tracefs_) return Error::from_errno("opening tracefs");
  }
  return tracefs_.get();
}

Result<std::vector<policy::TracepointField>> RunningKernel::tracepoint(const std::string& subsystem,
                                                                       const std::string& event) const {
  if (!is_plain_name(subsystem) || !is_plain_name(event)) {
    return unsupported(fmt::format("`{}/{}` is not the name of a tracepoint", subsystem, event));
  }
  const auto root = tracefs();
  if (!root.ok()) return root.error();
  const auto text = sys::read_small_file(fmt::format("events/{}/{}/format", subsystem, event), *root);
  if (!text.ok()) {
    if (text.error().code() != ErrorCode::kNotFound) return text.error();
    const auto types = kernel_types();
    std::vector<std::string_view> names;
    if (types.ok()) {
      for (const auto& [each, id] : (*types)->probes) names.push_back(each);
    }
    std::sort(names.begin(), names.end());
    const auto near =
        std::binary_search(names.begin(), names.end(), event) ? std::string() : did_you_mean(event, names);
    return unsupported(fmt::format("this kernel has no tracepoint `{}/{}`{}", subsystem, event, near));
  }
  auto fields = parse_tracepoint_format(*text);
  if (fields.empty())
    return unsupported(fmt::format("the record of tracepoint `{}/{}` has no fields", subsystem, event));
  return fields;
}

Result<std::vector<std::string>> RunningKernel::functions(const std::string& pattern) const {
  std::optional<std::regex> expression;
  try {
    expression.emplace(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    return Error(ErrorCode::kInvalidPolicy, fmt::format("`{}` is not a regular expression: {}", pattern, error.what()));
  }
  if (functions_.empty()) {
    const auto root = tracefs();
    if (!root.ok()) return root.error();
    const auto text = sys::read_small_file("available_filter_functions", *root);
    if (!text.ok()) {
      return text.error().code() == ErrorCode::kNotFound
                 ? unsupported("this kernel has no list of traceable functions (CONFIG_DYNAMIC_FTRACE)")
                 : Error(text.error()).context("the list of traceable functions");
    }
    std::string_view rest = *text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      functions_.emplace_back(line.substr(0, line.find_first_of(" \t")));  // behind it the module's name
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::sort(functions_.begin(), functions_.end());
    functions_.erase(std::unique(functions_.begin(), functions_.end()), functions_.end());
  }
  std::vector<std::string> out;
  try {
    for (const std::string& name : functions_) {
      if (!name.empty() && std::regex_search(name, *expression)) out.push_back(name);
    }
  } catch (const std::regex_error& error) {  // too complex for a name
    return Error(ErrorCode::kInvalidPolicy, fmt::format("`{}`: {}", pattern, error.what()));
  }
  return out;
}

Result<RunningKernel::Found> RunningKernel::find_structure(const std::string& name, const std::string& module) const {
  const auto kernel = kernel_types();
  if (!kernel.ok()) return kernel.error();
  if (!module.empty()) {
    const auto types = module_types(module);
    if (!types.ok()) return types.error();
    if (const auto found = (*types)->structures.find(name); found != (*types)->structures.end()) {
      return Found{*types, found->second};
    }
  }
  if (const auto found = (*kernel)->structures.find(name); found != (*kernel)->structures.end()) {
    return Found{*kernel, found->second};
  }
  if (module.empty()) {
    for (const std::string& each : module_names()) {
      const auto types = module_types(each);
      if (!types.ok()) continue;
      if (const auto found = (*types)->structures.find(name); found != (*types)->structures.end()) {
        return Found{*types, found->second};
      }
    }
  }
  std::vector<std::string_view> names;
  for (const auto& [each, id] : (*kernel)->structures) names.push_back(each);
  std::sort(names.begin(), names.end());
  return unsupported(fmt::format("this kernel has no struct `{}`{}", name, did_you_mean(name, names)));
}

Result<policy::Resolved> RunningKernel::read_path(const std::string& start, const std::string& module,
                                                  const std::string& path) const {
  const auto found = find_structure(start, module);
  if (!found.ok()) return found.error();
  return walk_path(found->in->types, found->id, path);
}

namespace {

// The answer that was given to the same question, or the one that `read` gives now. It is kept when `lasts` says that
// it holds as long as the kernel runs; a module comes and goes.
template <typename Answer, typename Read, typename Lasts>
Result<Answer> once(std::map<std::string, Answer>& known, size_t most, const std::string& question, Read read,
                    Lasts lasts) {
  if (const auto found = known.find(question); found != known.end()) return found->second;
  Result<Answer> answer = read();
  if (answer.ok() && lasts()) {
    if (known.size() >= most) known.clear();
    known.emplace(question, *answer);
  }
  return answer;
}

}  // namespace

Result<policy::Prototype> RunningKernel::function(const std::string& name) const {
  return once(
      prototypes_, kMaxAnswers, name, [&] { return read_function(name); },
      [&] { return kernel_ && kernel_->functions.contains(name); });
}

Result<policy::Prototype> RunningKernel::lsm(const std::string& hook) const {
  return once(
      prototypes_, kMaxAnswers, "lsm/" + hook, [&] { return read_lsm(hook); }, [] { return true; });
}

Result<policy::Prototype> RunningKernel::raw_tracepoint(const std::string& event) const {
  return once(
      prototypes_, kMaxAnswers, "raw/" + event, [&] { return read_raw_tracepoint(event); },
      [&] { return kernel_ && kernel_->probes.contains(event); });
}

Result<policy::Resolved> RunningKernel::resolve(const std::string& start, const std::string& module,
                                                const std::string& path) const {
  return once(
      member_paths_, kMaxAnswers, start + "/" + path, [&] { return read_path(start, module, path); },
      [&] { return module.empty() && kernel_ && kernel_->structures.contains(start); });
}

std::optional<uint32_t> RunningKernel::pt_regs_offset(std::string_view name) const {
  return policy::register_offset(policy::host_arch(), name);
}

}  // namespace trigon::engine
