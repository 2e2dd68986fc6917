#include "policy/validate_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/suggest.h"

namespace trigon::policy {
namespace {

constexpr size_t kMaxActions = 8;
// SIGRTMAX.
constexpr uint64_t kMaxSignal = 64;
constexpr uint16_t kSigkill = 9;
// MAX_ERRNO (linux/err.h).
constexpr int64_t kMaxErrno = 4095;
constexpr uint64_t kSecond = 1'000'000'000;
// A year: beyond any use, and far from overflow.
constexpr uint64_t kMaxRateSeconds = 366 * 24 * 3600;
// RFC 1035, 2.3.4.
constexpr size_t kMaxName = 253;

constexpr std::string_view kActions[] = {"Post",      "NoPost",         "Sigkill",     "Signal",
                                         "Override",  "NotifyEnforcer", "GetUrl",      "CleanupEnforcerNotification",
                                         "DnsLookup", "TrackSock",      "UntrackSock", "Set",
                                         "FollowFD",  "UnfollowFD",     "CopyFD"};
constexpr std::string_view kScopes[] = {"thread", "process", "global"};
// Hooks in which IMA has a hash of the file (facts, 4.1).
constexpr std::string_view kImaHooks[] = {"bprm_check_security",
                                          "bprm_committed_creds",
                                          "bprm_committing_creds",
                                          "bprm_creds_for_exec",
                                          "bprm_creds_from_file",
                                          "file_ioctl",
                                          "file_lock",
                                          "file_open",
                                          "file_post_open",
                                          "file_receive",
                                          "mmap_file"};

struct Argument {
  std::string_view field;
  std::string_view actions;  // that have it, separated by blanks
};
// Sigkill with argError stands in policies that Tetragon ships; it asks for nothing there either.
constexpr Argument kArguments[] = {
    {"argSig", "Signal NotifyEnforcer"},
    {"argError", "Override NotifyEnforcer Sigkill"},
    {"argUrl", "GetUrl"},
    {"argFqdn", "DnsLookup"},
    {"argSock", "TrackSock UntrackSock"},
    {"argIndex", "Set"},
    {"argValue", "Set"},
    {"argFd", "FollowFD UnfollowFD CopyFD"},
    {"argName", "FollowFD UnfollowFD CopyFD"},
    {"rateLimit", "Post"},
    {"rateLimitScope", "Post"},
    {"kernelStackTrace", "Post"},
    {"userStackTrace", "Post"},
    {"imaHash", "Post"},
    {"argRegs", "Override"},
    {"argNewSymbol", "Override"},
    {"argNewAddr", "Override"},
    {"argNewOffset", "Override"},
};

bool is_word_of(std::string_view words, std::string_view word) {
  return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

std::string_view kind_name(const Hook& hook) {
  switch (hook.kind) {
    case HookKind::kTracepoint:
      return "a tracepoint";
    case HookKind::kLsm:
      return "an LSM hook";
    case HookKind::kUprobe:
      return "a uprobe";
    case HookKind::kUsdt:
      return "a USDT probe";
    default:
      return hook.point.trampoline_only ? "an entry of `fentries`" : "an entry of `kprobes`";
  }
}

class ActionReader {
 public:
  ActionReader(const Fields& action, const Hook& hook, bool args_known, bool at_return, const Context& context,
               Actions& out)
      : action_(action), hook_(hook), args_known_(args_known), at_return_(at_return), context_(context), out_(out) {}

  void read() {
    const Node* node = action_.require("action");
    const auto name = node ? action_.string("action") : std::nullopt;
    if (!name) return;
    at_ = node->position;
    name_ = *name;
    if (std::find(std::begin(kActions), std::end(kActions), name_) == std::end(kActions)) {
      if (name_ == "NotifyKiller") return error("`NotifyKiller` is called `NotifyEnforcer`");
      return error(fmt::format("unknown action `{}`{}", name_, did_you_mean(name_, kActions)));
    }
    check_arguments();
    act();
  }

 private:
  void error(std::string message) const { action_.error(at_, std::move(message)); }
  void error(std::string_view field, std::string message) const {
    action_.error(action_.find(field)->position, std::move(message));
  }

  // Whether a field is there and says something.
  bool says(std::string_view field) const {
    const Node* node = action_.find(field);
    return node && !(node->is_scalar() && !node->quoted && (node->scalar == "false" || node->scalar == "0"));
  }

  void check_arguments() const {
    for (const Argument& argument : kArguments) {
      if (!says(argument.field) || is_word_of(argument.actions, name_)) continue;
      const std::string_view first = argument.actions.substr(0, argument.actions.find(' '));
      error(argument.field, fmt::format("{} belongs to `{}`, not to `{}`", argument.field, first, name_));
    }
  }

  void act() {
    if (name_ == "Post") return post();
    if (name_ == "NoPost") {
      out_.post = false;
    } else if (name_ == "Sigkill" || name_ == "Signal") {
      signal();
    } else if (name_ == "Override") {
      override();
    } else if (name_ == "NotifyEnforcer") {
      notify();
    } else if (name_ == "CleanupEnforcerNotification") {
      if (enforcer_possible()) out_.cleanup = true;
    } else if (name_ == "GetUrl") {
      url();
    } else if (name_ == "DnsLookup") {
      lookup();
    } else if (name_ == "TrackSock") {
      out_.track = sock();
    } else if (name_ == "UntrackSock") {
      out_.untrack = sock();
    } else if (name_ == "Set") {
      set();
    }
    // FollowFD, UnfollowFD, CopyFD: descriptors are looked up in the process's own table, nothing has to be followed.
  }

  void signal() {
    if (out_.signal != 0) return error("a selector sends one signal");
    if (name_ == "Sigkill") {
      out_.signal = kSigkill;
      out_.is_sigkill = true;
    } else if (!action_.find("argSig")) {
      error("Signal: `argSig` is missing");
    } else if (const auto number = action_.number("argSig", 1, kMaxSignal)) {
      out_.signal = static_cast<uint16_t>(*number);
    }
  }

  // An errno, negative; policies that write it without its sign mean the same.
  std::optional<int16_t> errno_value() const {
    const auto value = action_.signed_number("argError", -kMaxErrno, kMaxErrno);
    if (!value) return std::nullopt;
    return static_cast<int16_t>(*value > 0 ? -*value : *value);
  }

  void override() {
    for (const char* field : {"argRegs", "argNewSymbol", "argNewAddr", "argNewOffset"}) {
      if (says(field))
        return error(field, fmt::format("{}: registers of a process cannot be changed by this version, only "
                                        "the result (argError)",
                                        field));
    }
    if (out_.error) return error("a selector overrides once");
    if (at_return_) return error("Override: at the return of a function it is too late, it belongs to `matchActions`");
    if (hook_.point.trampoline_only) {
      return error(
          "Override: `fentries` only look on: `kprobes` on a system call or a security_* function, and "
          "`lsmhooks`, can refuse");
    }
    const bool can = hook_.kind == HookKind::kLsm || hook_.kind == HookKind::kUprobe ||
                     (hook_.kind == HookKind::kKprobe &&
                      (hook_.is_syscall || hook_.function.starts_with("security_") || is_syscall_function()));
    if (!can) {
      return error(
          fmt::format("Override: {} cannot answer in place of the kernel{}: system calls, security_* functions "
                      "and LSM hooks can",
                      kind_name(hook_), hook_.function.empty() ? "" : fmt::format(" ({})", hook_.function)));
    }
    if (!action_.find("argError")) return error("Override: `argError` is missing, the negative errno to answer with");
    const auto value = errno_value();
    if (value && *value == 0) return error("argError", "argError: expected a negative errno (-1 to -4095), found 0");
    out_.error = value;
  }

  bool is_syscall_function() const {
    return hook_.function.starts_with("__x64_sys_") || hook_.function.starts_with("__arm64_sys_") ||
           hook_.function.starts_with("__ia32_sys_");
  }

  bool enforcer_possible() const {
    const bool can =
        (hook_.kind == HookKind::kKprobe && !hook_.point.trampoline_only) || hook_.kind == HookKind::kTracepoint;
    if (!can) {
      error(fmt::format("{}: {} has no call of an enforcer behind it, `kprobes` and `tracepoints` do", name_,
                        kind_name(hook_)));
    } else if (!context_.enforcers) {
      error(fmt::format("{} needs `enforcers` in the spec: the calls that it is for", name_));
    }
    return can && context_.enforcers;
  }

  void notify() {
    if (!enforcer_possible()) return;
    if (out_.notify) return error("a selector notifies the enforcer once");
    out_.notify = true;
    if (action_.find("argError")) {
      const auto value = errno_value();
      if (value && *value != 0) out_.notify_error = value;
    }
    if (says("argSig")) {
      if (const auto number = action_.number("argSig", 1, kMaxSignal)) {
        out_.notify_signal = static_cast<uint16_t>(*number);
      }
    }
    if (!says("argError") && !says("argSig")) error("NotifyEnforcer: neither `argError` nor `argSig` says what to do");
  }

  void post() {
    if (const Node* node = action_.find("rateLimit")) rate(*node);
    if (const Node* node = action_.find("rateLimitScope"); node && !node->scalar.empty()) scope(*node);
    out_.kernel_stack = action_.boolean("kernelStackTrace", false) || out_.kernel_stack;
    out_.user_stack = action_.boolean("userStackTrace", false) || out_.user_stack;
    if ((out_.kernel_stack || out_.user_stack) && hook_.kind == HookKind::kLsm) {
      error("stack traces are not taken in LSM hooks: `kprobes` on the security_* function has them");
    }
    if (action_.boolean("imaHash", false)) ima();
  }

  // "5", "5s", "1m", "2h".
  void rate(const Node& node) {
    uint64_t seconds = 0;
    const std::string& text = node.scalar;
    if (node.is_scalar() && text.empty()) return;
    const char* end = text.data() + text.size();
    const auto [last, code] = std::from_chars(text.data(), end, seconds);
    const std::string_view unit(last, static_cast<size_t>(end - last));
    const uint64_t scale = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (!node.is_scalar() || code != std::errc() || scale == 0 || seconds > kMaxRateSeconds / scale) {
      return action_.error(node.position,
                           fmt::format("rateLimit: expected a time (`5`, `5s`, `1m`, `2h`), within which "
                                       "an event is posted once, found `{}`",
                                       text));
    }
    out_.rate_ns = seconds * scale * kSecond;
  }

  void scope(const Node& node) {
    const auto text = action_.string("rateLimitScope");
    if (!text) return;
    if (*text == "thread") {
      out_.rate_scope = TRIGON_RATE_THREAD;
    } else if (*text == "process") {
      out_.rate_scope = TRIGON_RATE_PROCESS;
    } else if (*text == "global") {
      out_.rate_scope = TRIGON_RATE_GLOBAL;
    } else {
      action_.error(node.position, fmt::format("rateLimitScope: expected {}, found `{}`{}", quoted_list(kScopes), *text,
                                               did_you_mean(*text, kScopes)));
    }
    if (!action_.find("rateLimit")) action_.error(node.position, "rateLimitScope needs `rateLimit`");
  }

  void ima() {
    const bool has = hook_.kind == HookKind::kLsm &&
                     std::find(std::begin(kImaHooks), std::end(kImaHooks), hook_.point.symbol) != std::end(kImaHooks);
    if (!has) return error("imaHash", fmt::format("imaHash: only these LSM hooks have it: {}", quoted_list(kImaHooks)));
    const bool file = std::any_of(hook_.args.begin(), hook_.args.end(), [](const Arg& arg) {
      return arg.conf.type == TRIGON_ARG_FILE || arg.conf.type == TRIGON_ARG_BINPRM;
    });
    if (args_known_ && !file)
      return error("imaHash", "imaHash: the hook declares no argument of type `file` or `linux_binprm`");
    out_.ima = true;
  }

  bool user_action_possible() const {
    if (hook_.kind == HookKind::kKprobe || hook_.kind == HookKind::kTracepoint) return true;
    error(fmt::format("{}: {} does not carry it, `kprobes`, `fentries` and `tracepoints` do", name_, kind_name(hook_)));
    return false;
  }

  void url() {
    if (!user_action_possible()) return;
    if (!action_.find("argUrl")) return error("GetUrl: `argUrl` is missing");
    const auto text = action_.string("argUrl");
    if (!text) return;
    const bool http = text->starts_with("http://") || text->starts_with("https://");
    const bool plain = std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < 0x7f; });
    if (!http || !plain) return error("argUrl", fmt::format("argUrl: expected http:// or https://, found `{}`", *text));
    out_.user.push_back({Deferred::kGetUrl, *text});
  }

  void lookup() {
    if (!user_action_possible()) return;
    if (!action_.find("argFqdn")) return error("DnsLookup: `argFqdn` is missing");
    const auto text = action_.string("argFqdn");
    if (!text) return;
    const bool name = !text->empty() && text->size() <= kMaxName && std::all_of(text->begin(), text->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
             c == '_';
    });
    if (!name) return error("argFqdn", fmt::format("argFqdn: `{}` is not the name of a host", *text));
    out_.user.push_back({Deferred::kDnsLookup, *text});
  }

  // The argument declared with that index.
  std::optional<size_t> argument(std::string_view field) const {
    const auto index = action_.find(field) ? action_.number(field, 0, UINT32_MAX) : std::optional<uint64_t>(0);
    if (!index || !args_known_) return std::nullopt;
    for (size_t i = 0; i < hook_.args.size(); ++i) {
      if (hook_.args[i].index == *index) return i;
    }
    const std::string message = fmt::format("{}: no argument with index {} is declared in `args`", field, *index);
    action_.find(field) ? error(field, message) : error(message);
    return std::nullopt;
  }

  std::optional<size_t> sock() const {
    if (at_return_ || hook_.kind != HookKind::kKprobe || hook_.is_syscall) {
      error(fmt::format("{}: it belongs to `matchActions` of a kernel function{}", name_,
                        at_return_ ? ", a returned sock has `returnArgAction`" : ""));
      return std::nullopt;
    }
    const auto position = argument("argSock");
    if (position && hook_.args[*position].conf.type != TRIGON_ARG_SOCK) {
      error(fmt::format("{}: argument {} is `{}`, not `sock`", name_, hook_.args[*position].index,
                        hook_.args[*position].type));
      return std::nullopt;
    }
    return position;
  }

  void set() {
    if (hook_.kind != HookKind::kUsdt) return error("Set: only USDT probes have arguments that may be written");
    if (!action_.find("argValue")) return error("Set: `argValue` is missing");
    out_.set_arg = argument("argIndex");
    const auto value = action_.signed_number("argValue", INT32_MIN, UINT32_MAX);
    if (value) out_.set_value = static_cast<int32_t>(*value);
  }

  const Fields& action_;
  const Hook& hook_;
  bool args_known_;
  bool at_return_;
  const Context& context_;
  Actions& out_;
  Position at_;
  std::string name_;
};

void read_block(const Fields& selector, std::string_view block, bool at_return, const Hook& hook, bool args_known,
                const Context& context, Actions& out) {
  const auto list = selector.list(block);
  if (!list.empty() && at_return && !hook.return_arg && args_known) {
    selector.error(selector.find(block)->position, fmt::format("{} needs `return: true` and `returnArg`", block));
  }
  if (list.size() > kMaxActions) {
    selector.error(list[kMaxActions].position, fmt::format("{}: at most {} actions", block, kMaxActions));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields action(list[i], selector.where() + "." + item_name(block, i),
                        {{"action", "argSig", "argError", "argUrl", "argFqdn", "argSock", "argIndex", "argValue",
                          "argRegs", "argFd", "argName", "argNewSymbol", "argNewAddr", "argNewOffset", "rateLimit",
                          "rateLimitScope", "kernelStackTrace", "userStackTrace", "imaHash"}},
                        selector.sink());
    if (action.is_map()) ActionReader(action, hook, args_known, at_return, context, out).read();
  }
}

}  // namespace

void read_actions(const Fields& selector, const Hook& hook, bool args_known, const Context& context, Selector& out) {
  read_block(selector, "matchActions", false, hook, args_known, context, out.actions);
  read_block(selector, "matchReturnActions", true, hook, args_known, context, out.return_actions);
}

}  // namespace trigon::policy
