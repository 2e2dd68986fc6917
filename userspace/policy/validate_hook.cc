#include "policy/validate_hook.h"

#include <fmt/format.h>

#include "policy/fields.h"
#include "policy/validate_selector.h"

namespace trigon::policy {
namespace {

constexpr size_t kMinMessage = 2, kMaxMessage = 256;
constexpr size_t kMaxTags = 16, kMinTag = 2, kMaxTag = 128;

void read_message(const Fields& fields, Hook& hook) {
  const Node* node = fields.find("message");
  if (!node) return;
  hook.message = read_string(*node, "message", fields.sink()).value_or(std::string(kMinMessage, ' '));
  if (hook.message.size() < kMinMessage || hook.message.size() > kMaxMessage) {
    fields.error(node->position, fmt::format("message: expected {} to {} characters, found {}", kMinMessage,
                                             kMaxMessage, hook.message.size()));
  }
}

void read_tags(const Fields& fields, Hook& hook) {
  const auto list = fields.list("tags");
  for (size_t i = 0; i < list.size(); ++i) {
    const auto tag = read_string(list[i], item_name("tags", i), fields.sink());
    if (!tag) continue;
    if (i == kMaxTags) fields.error(list[i].position, fmt::format("tags: more than {}", kMaxTags));
    if (tag->size() < kMinTag || tag->size() > kMaxTag) {
      fields.error(list[i].position,
                   fmt::format("tags: expected {} to {} characters, found {}", kMinTag, kMaxTag, tag->size()));
    }
    hook.tags.push_back(*tag);
  }
}

void read_selectors(const Fields& fields, bool args_known, const Context& context, Hook& hook) {
  const auto list = fields.list("selectors");
  if (list.size() > TRIGON_MAX_SELECTORS) {
    fields.error(list[TRIGON_MAX_SELECTORS].position,
                 fmt::format("selectors: at most {} at one hook", TRIGON_MAX_SELECTORS));
    return;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    hook.selectors.push_back(
        read_selector(list[i], fields.where() + "." + item_name("selectors", i), hook, args_known, context));
  }
  if (list.empty()) {
    hook.selectors.emplace_back();  // every call posts
    hook.selectors.back().position = fields.position();
  }
}

}  // namespace

void read_common(const Fields& fields, bool args_known, const Context& context, Hook& hook) {
  read_message(fields, hook);
  read_tags(fields, hook);
  read_selectors(fields, args_known, context, hook);
}

bool read_ignore(const Fields& fields, std::string_view name) {
  const Node* node = fields.find("ignore");
  if (!node) return false;
  const Fields ignore(*node, fields.where() + ".ignore", {{"callNotFound", "digestVerificationFailure"}},
                      fields.sink());
  return ignore.is_map() && ignore.boolean(name, false);
}

}  // namespace trigon::policy
