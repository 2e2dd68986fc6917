// Entries of uprobes and usdts.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "policy/fields.h"
#include "policy/types.h"
#include "policy/validate_hook.h"

namespace trigon::policy {
namespace {

// USDT_MAX_ARG_CNT of libbpf.
constexpr uint32_t kMaxUsdtIndex = 11;

struct Algorithm {
  std::string_view name;
  size_t digits;  // hexadecimal; 0: any
};
constexpr Algorithm kAlgorithms[] = {{"sha1", 40}, {"sha256", 64}, {"sha384", 96}, {"sha512", 128}, {"build-id", 0}};

bool is_hex(std::string_view text) {
  return !text.empty() && text.size() % 2 == 0 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::vector<std::string> read_digests(const Fields& fields) {
  std::vector<std::string> out;
  for (const auto& [text, at] : fields.values("binaryDigests")) {
    const std::string digest = lower(text);
    const size_t colon = digest.find(':');
    const std::string_view name = std::string_view(digest).substr(0, colon);
    const std::string_view value = colon == std::string::npos ? "" : std::string_view(digest).substr(colon + 1);
    const auto* found = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                     [&](const Algorithm& each) { return each.name == name; });
    if (found == std::end(kAlgorithms)) {
      fields.error(at, fmt::format("binaryDigests: expected `sha1:`, `sha256:`, `sha384:`, `sha512:` or `build-id:`, "
                                   "found `{}`",
                                   text));
    } else if (!is_hex(value) || (found->digits && value.size() != found->digits)) {
      fields.error(at, fmt::format("binaryDigests: behind `{}:` stand {}hexadecimal digits, found `{}`", name,
                                   found->digits ? fmt::format("{} ", found->digits) : std::string(), value));
    }
    out.push_back(digest);
  }
  return out;
}

void read_path(const Fields& fields, Hook& hook) {
  const Node* node = fields.require("path");
  if (!node) return;
  hook.point.path = fields.string("path").value_or("/");
  if (!hook.point.path.starts_with('/')) {
    fields.error(node->position, fmt::format("path: expected an absolute path, found `{}`", hook.point.path));
  }
}

void refuse_own_types(const Fields& fields) {
  for (const char* field : {"btfPath", "resolvePathInContainer"}) {
    const Node* node = fields.find(field);
    if (!node || (node->is_scalar() && (node->scalar.empty() || node->scalar == "false"))) continue;
    fields.error(node->position,
                 std::string_view(field) == "btfPath"
                     ? "btfPath: types of programs are not read by this version, only those of the kernel"
                     : "resolvePathInContainer: the path is that of the agent; programs in containers "
                       "are not looked up by this version");
  }
}

std::vector<uint64_t> read_numbers(const Fields& fields, std::string_view name) {
  std::vector<uint64_t> out;
  for (const auto& [text, at] : fields.values(name)) {
    const auto value = parse_number(text, false, 64);
    if (!value.ok()) fields.error(at, fmt::format("{}: {}", name, value.error().message()));
    out.push_back(value.ok() ? *value : 0);
  }
  return out;
}

// "symbol" or "symbol+0x10".
void read_symbol(const Fields& fields, const std::string& text, Position at, HookPoint& point) {
  const size_t plus = text.rfind('+');
  point.symbol = text.substr(0, plus);
  if (point.symbol.empty())
    return fields.error(at, fmt::format("symbols: expected the name of a symbol, found `{}`", text));
  if (plus == std::string::npos) return;
  const auto offset = parse_number(std::string_view(text).substr(plus + 1), false, 64);
  if (!offset.ok()) return fields.error(at, fmt::format("symbols: behind `+`: {}", offset.error().message()));
  point.offset = *offset;
}

// Where the file is probed: every symbol, offset or address is a hook.
std::vector<HookPoint> read_places(const Fields& fields, const HookPoint& base) {
  constexpr std::string_view kLists[] = {"symbols", "offsets", "addrs"};
  std::vector<HookPoint> places;
  std::string_view used;
  for (std::string_view list : kLists) {
    const Node* node = fields.find(list);
    if (!node || (node->is_sequence() && node->items.empty())) continue;
    if (!used.empty()) {
      fields.error(node->position,
                   fmt::format("`{}` beside `{}`: an entry has one of {}", list, used, quoted_list(kLists)));
      return {};
    }
    used = list;
  }
  if (used.empty()) {
    fields.error(fields.position(), fmt::format("{}: one of {} is missing", fields.where(), quoted_list(kLists)));
    return {};
  }
  if (used == "symbols") {
    for (const auto& [text, at] : fields.values("symbols")) {
      places.push_back(base);
      read_symbol(fields, text, at, places.back());
    }
  } else {
    for (uint64_t number : read_numbers(fields, used)) {
      places.push_back(base);
      (used == "offsets" ? places.back().offset : places.back().address) = number;
    }
  }
  const auto references = read_numbers(fields, "refCtrOffsets");
  if (!references.empty() && references.size() != places.size()) {
    fields.error(
        fields.find("refCtrOffsets")->position,
        fmt::format("refCtrOffsets: {} for {} {}, one for each is needed", references.size(), places.size(), used));
    return places;
  }
  for (size_t i = 0; i < references.size(); ++i) places[i].ref_ctr_offset = references[i];
  return places;
}

}  // namespace

std::vector<Hook> read_uprobe(const Node& node, const std::string& where, const Context& context) {
  Hook hook;
  hook.kind = HookKind::kUprobe;
  hook.position = node.position;
  const Fields fields(
      node, where,
      {{"path", "symbols", "offsets", "addrs", "refCtrOffsets", "btfPath", "resolvePathInContainer", "args", "data",
        "message", "tags", "selectors", "return", "returnArg", "binaryDigests", "ignore"},
       {},
       {{"symbol", "`symbols`, a list"}}},
      context.sink);
  if (!fields.is_map()) return {};
  hook.point.kind = HookPoint::Kind::kUprobe;
  hook.point.no_multi = context.no_uprobe_multi;
  read_path(fields, hook);
  refuse_own_types(fields);
  hook.digests = read_digests(fields);
  hook.skip_on_digest = read_ignore(fields, "digestVerificationFailure");
  const std::vector<HookPoint> places = read_places(fields, hook.point);
  ArgPlace place;
  place.kind = ArgPlace::Kind::kUser;
  place.max_index = kCallRegisters - 1;
  place.subject = hook.point.path;
  place.returns = fields.boolean("return", false);
  place.registers = true;
  const bool args_known = read_args(fields, place, context, hook);
  read_common(fields, args_known, context, hook);
  std::vector<Hook> hooks;
  for (const HookPoint& point : places) {
    hooks.push_back(hook);
    hooks.back().point = point;
    hooks.back().point.returns = hook.point.returns;
    hooks.back().function = point.symbol;
  }
  return hooks;
}

std::vector<Hook> read_usdt(const Node& node, const std::string& where, const Context& context) {
  Hook hook;
  hook.kind = HookKind::kUsdt;
  hook.position = node.position;
  const Fields fields(
      node, where,
      {{"path", "provider", "name", "btfPath", "resolvePathInContainer", "args", "message", "tags", "selectors"}},
      context.sink);
  if (!fields.is_map()) return {};
  hook.point.kind = HookPoint::Kind::kUsdt;
  hook.point.no_multi = context.no_uprobe_multi;
  read_path(fields, hook);
  refuse_own_types(fields);
  if (fields.require("provider")) hook.subsystem = fields.string("provider").value_or("");
  if (fields.require("name")) hook.event = fields.string("name").value_or("");
  hook.point.subsystem = hook.subsystem;
  hook.point.symbol = hook.event;
  ArgPlace place;
  place.kind = ArgPlace::Kind::kUser;
  place.max_index = kMaxUsdtIndex;
  place.subject = fmt::format("{}:{}", hook.subsystem, hook.event);
  const bool args_known = read_args(fields, place, context, hook);
  read_common(fields, args_known, context, hook);
  return {std::move(hook)};
}

}  // namespace trigon::policy
