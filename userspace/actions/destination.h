// Destinations that deferred actions may reach. Policies are written by more people than those who run the agent, and
// the agent stands where few others can: what it may be made to talk to is the operator's word, and nothing by default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trigon::actions {

// http://HOST[:PORT][/PATH][?QUERY] or https://…, of the characters of RFC 3986. Anything in which two readers could
// see different destinations is an error: user information, backslashes, blanks, "." and ".." as path segments.
struct Url {
  std::string scheme;  // "http", "https"
  std::string host;    // lower case; an IPv6 address with its brackets
  uint16_t port = 0;
  std::string path;  // with query and fragment; begins with '/', at least that

  static Result<Url> parse(std::string_view text);
};

// Scheme, host and port are those of the prefix, and the path begins with the prefix's at a boundary: /api allows /api,
// /api/x and /api?x, not /apis.
bool has_prefix(const Url& url, const Url& prefix);

// "Example.COM." to "example.com"; an error when it is no host name.
Result<std::string> parse_name(std::string_view text);
// The name is the suffix or ends in "." and the suffix.
bool has_suffix(std::string_view name, std::string_view suffix);

// What the operator allows.
class AllowList {
 public:
  // kUsage names the flag and the value that is wrong. "*" allows everything of its kind.
  static Result<AllowList> create(const std::vector<std::string>& url_prefixes,
                                  const std::vector<std::string>& name_suffixes);

  // The error says what is missing, for whoever reads the policy: "…: not allowed by --allow-get-url".
  Result<void> check_url(std::string_view text) const;
  Result<void> check_name(std::string_view text) const;

 private:
  bool any_url_ = false, any_name_ = false;
  std::vector<Url> prefixes_;
  std::vector<std::string> suffixes_;
};

}  // namespace trigon::actions
