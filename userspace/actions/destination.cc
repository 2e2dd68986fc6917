#include "actions/destination.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace trigon::actions {
namespace {

constexpr size_t kMaxUrl = 2048;  // what servers and proxies take in practice
constexpr size_t kMaxName = 253;  // RFC 1035, 2.3.4, as text
constexpr size_t kMaxLabel = 63;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// RFC 3986: unreserved, reserved but for brackets, and percent.
bool is_path_char(char c) {
  return is_alnum(c) || std::string_view("-._~:/?#@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

// "." or "..", also written as %2e.
bool is_dots(std::string_view segment) {
  size_t dots = 0;
  while (!segment.empty()) {
    if (segment.front() == '.')
      segment.remove_prefix(1);
    else if (lower(segment.substr(0, 3)) == "%2e")
      segment.remove_prefix(3);
    else
      return false;
    ++dots;
  }
  return dots == 1 || dots == 2;
}

bool has_dot_segment(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  for (;;) {
    const size_t slash = path.find('/');
    if (is_dots(path.substr(0, slash))) return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

Error not_a_url(std::string_view text, std::string_view why) {
  return Error(ErrorCode::kUsage, "'" + std::string(text) + "' " + std::string(why));
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  if (text.size() > kMaxUrl) return not_a_url(text.substr(0, 64), "… is longer than 2,048 characters");
  const size_t separator = text.find("://");
  if (separator != std::string_view::npos) url.scheme = lower(text.substr(0, separator));
  if (url.scheme != "http" && url.scheme != "https")
    return not_a_url(text, "is not a URL that begins with http:// or https://");
  std::string_view rest = text.substr(separator + 3);
  std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  if (authority.find('@') != std::string_view::npos) return not_a_url(text, "has user information before its host");
  size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return not_a_url(text, "has a '[' without its ']'");
    const std::string_view address = authority.substr(1, bracket - 1);
    const auto is_address_char = [](char c) { return is_hex(c) || c == ':' || c == '.'; };
    if (address.empty() || !std::all_of(address.begin(), address.end(), is_address_char))
      return not_a_url(text, "has no IPv6 address between its brackets");
    host_end = bracket + 1 < authority.size() ? bracket + 1 : std::string_view::npos;
    url.host = lower(authority.substr(0, bracket + 1));
  } else {
    auto name = parse_name(authority.substr(0, host_end));
    if (!name.ok()) return not_a_url(text, "has no valid host: " + name.error().message());
    url.host = *std::move(name);
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (host_end != std::string_view::npos) {
    const std::string_view digits = authority.substr(std::min(host_end + 1, authority.size()));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    if (authority[host_end] != ':' || digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        url.port == 0)
      return not_a_url(text, "has a port that is no number from 1 to 65535");
  }
  if (!std::all_of(rest.begin(), rest.end(), is_path_char))
    return not_a_url(text, "has a character that a URL must write as %XX");
  if (has_dot_segment(rest)) return not_a_url(text, "has '.' or '..' as a part of its path");
  if (!rest.starts_with('/')) url.path = "/";
  url.path += rest;
  return url;
}

bool has_prefix(const Url& url, const Url& prefix) {
  if (url.scheme != prefix.scheme || url.host != prefix.host || url.port != prefix.port) return false;
  if (!url.path.starts_with(prefix.path)) return false;
  if (url.path.size() == prefix.path.size() ||
      std::string_view("/?#=&").find(prefix.path.back()) != std::string_view::npos)
    return true;
  return std::string_view("/?#").find(url.path[prefix.path.size()]) != std::string_view::npos;
}

Result<std::string> parse_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::kUsage, "'" + std::string(text.substr(0, kMaxName)) + "' " + std::string(why));
  };
  if (text.empty()) return Error(ErrorCode::kUsage, "the name is empty");
  if (text.size() > kMaxName) return wrong("… is longer than a host name can be (253 characters)");
  for (std::string_view rest = text;;) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty()) return wrong("is no host name: it has an empty part");
    if (label.size() > kMaxLabel) return wrong("is no host name: it has a part of more than 63 characters");
    // Underscores are no part of host names, but of names in DNS that people look up.
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alnum(c) || c == '-' || c == '_'; }))
      return wrong("is no host name: only letters, digits, '-', '_' and '.' are");
    if (label.size() == rest.size()) return lower(text);
    rest.remove_prefix(label.size() + 1);
  }
}

bool has_suffix(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  return name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.';
}

Result<AllowList> AllowList::create(const std::vector<std::string>& url_prefixes,
                                    const std::vector<std::string>& name_suffixes) {
  AllowList list;
  for (const std::string& text : url_prefixes) {
    if (text == "*") {
      list.any_url_ = true;
      continue;
    }
    auto prefix = Url::parse(text);
    if (!prefix.ok()) return std::move(prefix).error().context("--allow-get-url");
    list.prefixes_.push_back(*std::move(prefix));
  }
  for (const std::string& text : name_suffixes) {
    if (text == "*") {
      list.any_name_ = true;
      continue;
    }
    // ".example.com" is how some write it.
    auto suffix = parse_name(text.starts_with('.') ? std::string_view(text).substr(1) : text);
    if (!suffix.ok()) return std::move(suffix).error().context("--allow-dns-lookup");
    list.suffixes_.push_back(*std::move(suffix));
  }
  return list;
}

Result<void> AllowList::check_url(std::string_view text) const {
  TRIGON_TRY(const Url url, Url::parse(text));
  if (any_url_ || std::any_of(prefixes_.begin(), prefixes_.end(), [&](const Url& p) { return has_prefix(url, p); }))
    return {};
  return Error(ErrorCode::kPermission,
               "GetUrl " + std::string(text) + ": the agent's --allow-get-url does not allow it");
}

Result<void> AllowList::check_name(std::string_view text) const {
  TRIGON_TRY(const std::string name, parse_name(text));
  if (any_name_ ||
      std::any_of(suffixes_.begin(), suffixes_.end(), [&](const std::string& s) { return has_suffix(name, s); }))
    return {};
  return Error(ErrorCode::kPermission,
               "DnsLookup " + std::string(text) + ": the agent's --allow-dns-lookup does not allow it");
}

}  // namespace trigon::actions
