#include "engine/words.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "policy/names.h"
#include "policy/types.h"

namespace trigon::engine {
namespace {

using policy::Match;
using policy::Predicate;

constexpr size_t kShown = 5;
constexpr uint64_t kSecond = 1'000'000'000;

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (size_t i = 0; i < values.size() && i < kShown; ++i) out += (i ? ", " : "") + values[i];
  if (values.size() > kShown) out += fmt::format(" … ({} values)", values.size());
  return out;
}

std::string name_in(std::span<const policy::NamedNumber> table, uint64_t number) {
  for (const policy::NamedNumber& entry : table)
    if (entry.number == number) return std::string(entry.name);
  return std::to_string(number);
}

std::string capabilities(uint64_t mask) {
  if (mask == ~0ULL) return "any capability";
  std::vector<std::string> names;
  for (unsigned bit = 0; bit < 64; ++bit)
    if (mask >> bit & 1) names.push_back(name_in(policy::kCapabilities, bit));
  return joined(names);
}

std::string number_text(uint64_t value, bool is_signed) {
  return is_signed ? std::to_string(static_cast<int64_t>(value)) : std::to_string(value);
}

std::string range_text(const policy::Interval& range, bool is_signed, uint8_t bits) {
  // The order of Interval is its own inverse.
  const uint64_t low = policy::ordered(range.low, is_signed), high = policy::ordered(range.high, is_signed);
  if (range.low == range.high) return number_text(low, is_signed);
  if (high == policy::largest(is_signed, bits)) return number_text(low, is_signed) + " and more";
  if (low == policy::smallest(is_signed, bits) && is_signed) return number_text(high, is_signed) + " and less";
  return number_text(low, is_signed) + ":" + number_text(high, is_signed);
}

std::string network_text(const policy::Network& network) {
  char text[INET6_ADDRSTRLEN] = {};
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool v4 = network.bits >= 96 && std::memcmp(network.bytes.data(), kMapped, sizeof(kMapped)) == 0;
  inet_ntop(v4 ? AF_INET : AF_INET6, network.bytes.data() + (v4 ? 12 : 0), text, sizeof(text));
  const int bits = v4 ? network.bits - 96 : network.bits;
  return bits == (v4 ? 32 : 128) ? text : fmt::format("{}/{}", text, bits);
}

std::span<const policy::NamedNumber> table_of(trigon_part part) {
  switch (part) {
    case TRIGON_PART_FAMILY:
      return policy::kFamilies;
    case TRIGON_PART_PROTOCOL:
      return policy::kProtocols;
    case TRIGON_PART_STATE:
      return policy::kTcpStates;
    case TRIGON_PART_FILE_TYPE:
      return policy::kFileTypes;
    default:
      return {};
  }
}

// What of a value is compared: "the file type of ", or nothing for the value itself.
std::string_view part_text(trigon_part part) {
  switch (part) {
    case TRIGON_PART_FILE_TYPE:
      return "the file type of ";
    case TRIGON_PART_FAMILY:
      return "the family of ";
    case TRIGON_PART_PROTOCOL:
      return "the protocol of ";
    case TRIGON_PART_STATE:
      return "the state of ";
    case TRIGON_PART_SPORT:
      return "the source port of ";
    case TRIGON_PART_DPORT:
      return "the destination port of ";
    case TRIGON_PART_SADDR:
      return "the source address of ";
    case TRIGON_PART_DADDR:
      return "the destination address of ";
    default:
      return "";
  }
}

std::vector<std::string> quoted(const std::vector<std::string>& strings) {
  std::vector<std::string> out;
  for (const std::string& text : strings) {
    const bool plain = !text.empty() && text.find_first_of(" ,\"\t\n") == std::string::npos;
    out.push_back(plain ? text : "\"" + text + "\"");
  }
  return out;
}

// "is one of a, b", "does not begin with /etc".
std::string condition(const Predicate& p, bool is_signed, uint8_t bits) {
  const auto one_of = [&p](const std::vector<std::string>& values) {
    const char* is = values.size() == 1 ? (p.negated ? "is not " : "is ") : (p.negated ? "is none of " : "is one of ");
    return is + joined(values);
  };
  const auto verb = [&p](std::string_view yes, std::string_view no) {
    const std::vector<std::string> values = quoted(p.strings);
    return fmt::format("{} {}{}", p.negated ? no : yes, values.size() > 1 ? "one of " : "", joined(values));
  };
  std::vector<std::string> values;
  switch (p.match) {
    case Match::kNumbers:
      for (uint64_t n : p.numbers) {
        values.push_back(table_of(p.part).empty() ? number_text(n, is_signed) : name_in(table_of(p.part), n));
      }
      return one_of(values);
    case Match::kRanges:
      for (const policy::Interval& range : p.ranges) values.push_back(range_text(range, is_signed, bits));
      return one_of(values);
    case Match::kMask:
      return fmt::format("has {} bit of {:#x}", p.negated ? "no" : "a", p.mask);
    case Match::kExact:
      return one_of(quoted(p.strings));
    case Match::kPrefix:
      return verb("begins with", "does not begin with");
    case Match::kPostfix:
      return verb("ends with", "does not end with");
    case Match::kSubstring:
      return verb("contains", "does not contain");
    case Match::kSubstringIgnoreCase:
      return verb("contains, whatever the case,", "does not contain, whatever the case,");
    case Match::kNetworks:
      for (const policy::Network& network : p.networks) values.push_back(network_text(network));
      return (p.negated ? "is not in " : "is in ") + joined(values);
  }
  return {};
}

std::string value_name(const policy::Arg& arg, std::string_view what) {
  return arg.label.empty() ? std::string(what) : fmt::format("{} `{}`", what, arg.label);
}

std::string filter_text(const policy::Hook& hook, const policy::ArgFilter& filter) {
  const bool data = filter.role == policy::Role::kData;
  const policy::Arg& arg = filter.role == policy::Role::kReturn ? *hook.return_arg
                           : data                               ? hook.data[filter.arg]
                                                                : hook.args[filter.arg];
  const std::string name = filter.role == policy::Role::kReturn ? value_name(arg, "the result")
                           : data                               ? value_name(arg, fmt::format("data {}", filter.arg))
                                  : value_name(arg, fmt::format("argument {}", arg.index));
  const Predicate& p = filter.predicate;
  if (p.part == TRIGON_PART_GAINED) {
    const policy::Arg& second = data ? hook.data[filter.second] : hook.args[filter.second];
    return fmt::format("{} has {} that argument {} has not", name, capabilities(p.mask), second.index);
  }
  if (arg.conf.type == TRIGON_ARG_CAP_SET && p.match == Match::kMask)
    return fmt::format("{} has one of {}", name, capabilities(p.mask));
  const bool value = p.part == TRIGON_PART_VALUE;
  const uint8_t bits = value ? arg.bits : 16;
  return fmt::format("{}{} {}", part_text(p.part), name, condition(p, value && arg.is_signed, bits ? bits : 64));
}

std::string binary_text(const policy::Policy& policy, const policy::BinaryFilter& filter) {
  std::string out =
      fmt::format("the {} {}", filter.parent ? "parent's program" : "program", condition(filter.predicate, false, 64));
  if (filter.predicate.match == Match::kExact)
    out += policy.literal_binaries ? " (by its path)" : " (by its path or as the same file)";
  if (filter.follow_children) {
    out += filter.predicate.negated ? ", and it descends from none that started since the policy is in force"
                                    : ", or it descends from one that started since the policy is in force";
  }
  return out;
}

std::string pid_text(const policy::PidFilter& filter) {
  std::vector<std::string> pids;
  for (uint32_t pid : filter.pids) pids.push_back(std::to_string(pid));
  return fmt::format("the {} {} {}{}", filter.namespace_pid ? "pid in its namespace" : "pid",
                     filter.negated ? "is none of" : "is one of", joined(pids),
                     !filter.follow_forks ? ""
                     : filter.negated     ? ", and that of no ancestor is"
                                          : ", or that of an ancestor is");
}

std::string task_text(const policy::TaskFilter& filter) {
  const Predicate& p = filter.predicate;
  switch (filter.source) {
    case TRIGON_SRC_NAMESPACE: {
      const std::string name = name_in(policy::kNamespaces, filter.field);
      if (filter.host_ns && p.numbers.empty())
        return fmt::format("the {} namespace {} the host's", name, p.negated ? "is not" : "is");
      return fmt::format("the {} namespace {}{}", name, condition(p, false, 32),
                         filter.host_ns ? " or the host's" : "");
    }
    case TRIGON_SRC_NS_CHANGES: {
      std::vector<std::string> names;
      for (const policy::NamedNumber& entry : policy::kNamespaces)
        if (p.mask >> entry.number & 1) names.emplace_back(entry.name);
      return fmt::format("{} of the namespaces {} changed since exec", p.negated ? "none" : "one", joined(names));
    }
    case TRIGON_SRC_CAPS:
      return fmt::format("the process has {} of {} ({})", p.negated ? "none" : "one", capabilities(p.mask),
                         name_in(policy::kCapabilitySets, filter.field));
    case TRIGON_SRC_CAP_CHANGES:
      return fmt::format("{} of {} ({}) changed since exec", p.negated ? "none" : "one", capabilities(p.mask),
                         name_in(policy::kCapabilitySets, filter.field));
    default:
      return fmt::format("{} {}", name_in(policy::kCredentialIds, filter.field), condition(p, false, 32));
  }
}

std::string labels_text(const std::vector<policy::LabelRequirement>& labels) {
  using Operator = policy::LabelRequirement::Operator;
  std::vector<std::string> out;
  for (const policy::LabelRequirement& label : labels) {
    switch (label.op) {
      case Operator::kIn:
        out.push_back(fmt::format("{} in ({})", label.key, joined(label.values)));
        break;
      case Operator::kNotIn:
        out.push_back(fmt::format("{} not in ({})", label.key, joined(label.values)));
        break;
      case Operator::kExists:
        out.push_back(label.key);
        break;
      case Operator::kDoesNotExist:
        out.push_back("no " + label.key);
        break;
    }
  }
  return out.empty() ? "any" : joined(out);
}

std::string signal_text(uint16_t number) {
  const char* name = sigabbrev_np(number);
  return name ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

std::string error_text(int16_t error) {
  const char* name = strerrorname_np(-error);
  return name ? name : std::to_string(error);
}

std::string rate_text(const policy::Actions& actions) {
  if (actions.rate_ns == 0) return {};
  const char* scope = actions.rate_scope == TRIGON_RATE_THREAD    ? " and thread"
                      : actions.rate_scope == TRIGON_RATE_PROCESS ? " and process"
                                                                  : "";
  return fmt::format(", at most one per {} s of the same values{}", actions.rate_ns / kSecond, scope);
}

void add_actions(const policy::Hook& hook, const policy::Actions& a, std::vector<std::string>& out) {
  if (a.error) out.push_back(fmt::format("answer with {}", error_text(*a.error)));
  if (a.signal) out.push_back(fmt::format("send {}", signal_text(a.signal)));
  if (a.notify) {
    std::string what;
    if (a.notify_error) what += " to answer with " + error_text(*a.notify_error);
    if (a.notify_signal) what += (what.empty() ? " to send " : " and to send ") + signal_text(*a.notify_signal);
    out.push_back("tell the enforcer" + what);
  }
  if (a.cleanup) out.push_back("take back what the enforcer was told");
  if (a.track) out.push_back(fmt::format("note whose socket argument {} is", hook.args[*a.track].index));
  if (a.untrack) out.push_back(fmt::format("forget whose socket argument {} is", hook.args[*a.untrack].index));
  if (a.set_arg) out.push_back(fmt::format("write {} through argument {}", a.set_value, hook.args[*a.set_arg].index));
  for (const policy::UserAction& user : a.user)
    out.push_back((user.what == policy::Deferred::kDnsLookup ? "look up " : "ask for ") + user.target);
  if (!a.post) return out.push_back("no event");
  std::string event = "event" + rate_text(a);
  if (a.kernel_stack) event += ", with the kernel's stack";
  if (a.user_stack) event += ", with the program's stack";
  if (a.ima) event += ", with the file's IMA hash";
  out.push_back(std::move(event));
}

}  // namespace

std::string describe(const policy::Workload& workload) {
  std::vector<std::string> out;
  if (workload.pods) out.push_back("pods with " + labels_text(*workload.pods));
  if (workload.containers) out.push_back("containers with " + labels_text(*workload.containers));
  std::string text = out.size() == 2 ? out[0] + " and in them " + out[1] : joined(out);
  if (workload.host) text += text.empty() ? "processes of the host" : ", and processes of the host";
  // Better said than found out: nobody fills the tables of WorkloadVectors yet.
  if (!text.empty()) text += " (workloads are not told apart by this version: nothing matches)";
  return text;
}

std::vector<std::string> describe_filters(const policy::Policy& policy, const policy::Hook& hook,
                                          const policy::Selector& selector) {
  std::vector<std::string> out;
  for (const policy::ArgFilter& filter : selector.args) out.push_back(filter_text(hook, filter));
  for (const policy::BinaryFilter& filter : selector.binaries) out.push_back(binary_text(policy, filter));
  for (const policy::PidFilter& filter : selector.pids) out.push_back(pid_text(filter));
  for (const policy::TaskFilter& filter : selector.tasks) out.push_back(task_text(filter));
  if (selector.workload) out.push_back("it is one of: " + describe(*selector.workload));
  for (const policy::ArgFilter& filter : selector.return_args) out.push_back(filter_text(hook, filter));
  return out;
}

std::vector<std::string> describe_actions(const policy::Hook& hook, const policy::Selector& selector) {
  std::vector<std::string> out;
  if (hook.enforcer) {
    out.emplace_back("do what the enforcer was told for this thread");
    return out;
  }
  add_actions(hook, selector.actions, out);
  if (selector.return_actions.signal != 0 || !selector.return_actions.user.empty()) {
    std::vector<std::string> late;
    add_actions(hook, selector.return_actions, late);
    for (std::string& one : late) out.push_back("at the return: " + one);
  }
  return out;
}

std::vector<std::string> describe_values(const policy::Hook& hook) {
  std::vector<std::string> out;
  const auto add = [&out](const policy::Arg& arg, std::string_view what) {
    out.push_back(fmt::format("{} ({})", value_name(arg, what), arg.type));
  };
  for (const policy::Arg& arg : hook.args) add(arg, std::to_string(arg.index));
  for (size_t i = 0; i < hook.data.size(); ++i) add(hook.data[i], fmt::format("data {}", i));
  if (hook.return_arg && hook.return_arg->type != "nop") add(*hook.return_arg, "result");
  return out;
}

}  // namespace trigon::engine
