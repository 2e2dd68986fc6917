#include "policy/validate_workload.h"

#include <fmt/format.h>

#include "base/suggest.h"

namespace trigon::policy {
namespace {

using Operator = LabelRequirement::Operator;

struct NamedOperator {
  std::string_view name;
  Operator op;
};
constexpr NamedOperator kOperators[] = {{"In", Operator::kIn},
                                        {"NotIn", Operator::kNotIn},
                                        {"Exists", Operator::kExists},
                                        {"DoesNotExist", Operator::kDoesNotExist}};
constexpr std::string_view kOperatorNames[] = {"In", "NotIn", "Exists", "DoesNotExist"};
// What a container has in place of labels.
constexpr std::string_view kContainerKeys[] = {"name", "repo"};

void read_match_labels(const Fields& fields, std::vector<LabelRequirement>& out) {
  const Node* labels = fields.find("matchLabels");
  if (!labels) return;
  if (!labels->is_map()) return fields.error(labels->position, "matchLabels: expected a map of labels to values");
  for (const auto& [key, value] : labels->entries) {
    if (!key.is_scalar() || (!value.is_scalar() && !value.is_null())) {
      fields.error(value.position, "matchLabels: a label and its value are text");
      continue;
    }
    out.push_back({.key = key.scalar, .op = Operator::kIn, .values = {value.scalar}});
  }
}

void read_expression(const Fields& expression, std::vector<LabelRequirement>& out) {
  LabelRequirement requirement;
  if (expression.require("key")) requirement.key = expression.string("key").value_or("");
  if (!expression.require("operator")) return;
  const auto name = expression.string("operator");
  if (!name) return;
  const NamedOperator* found = nullptr;
  for (const NamedOperator& op : kOperators) {
    if (op.name == *name) found = &op;
  }
  if (!found) {
    return expression.error(expression.find("operator")->position,
                            fmt::format("operator: expected {}, found `{}`{}", quoted_list(kOperatorNames), *name,
                                        did_you_mean(*name, kOperatorNames)));
  }
  requirement.op = found->op;
  for (auto& [text, at] : expression.values("values")) requirement.values.push_back(text);
  const bool needs = found->op == Operator::kIn || found->op == Operator::kNotIn;
  if (needs == requirement.values.empty()) {
    expression.error(expression.position(), fmt::format("{}: `{}` {}", expression.where(), *name,
                                                        needs ? "needs `values`" : "takes no `values`"));
  }
  out.push_back(std::move(requirement));
}

void check_container_keys(const Node& node, const std::vector<LabelRequirement>& labels, Sink& sink) {
  for (const LabelRequirement& label : labels) {
    if (label.key == kContainerKeys[0] || label.key == kContainerKeys[1]) continue;
    sink.error(node.position,
               fmt::format("containerSelector: a container has {}, not `{}`", quoted_list(kContainerKeys), label.key));
  }
}

}  // namespace

std::vector<LabelRequirement> read_labels(const Node& node, std::string where, Sink& sink) {
  std::vector<LabelRequirement> out;
  const Fields fields(node, std::move(where), {{"matchLabels", "matchExpressions"}}, sink);
  if (!fields.is_map()) return out;
  read_match_labels(fields, out);
  const auto list = fields.list("matchExpressions");
  for (size_t i = 0; i < list.size(); ++i) {
    const Fields expression(list[i], fields.where() + "." + item_name("matchExpressions", i),
                            {{"key", "operator", "values"}}, sink);
    if (expression.is_map()) read_expression(expression, out);
  }
  return out;
}

Workload read_workload(const Fields& fields) {
  Workload out;
  if (const Node* pods = fields.find("podSelector")) {
    out.pods = read_labels(*pods, fields.where() + ".podSelector", fields.sink());
  }
  if (const Node* containers = fields.find("containerSelector")) {
    out.containers = read_labels(*containers, fields.where() + ".containerSelector", fields.sink());
    check_container_keys(*containers, *out.containers, fields.sink());
  }
  if (const Node* host = fields.find("hostSelector")) {
    out.host = true;
    if (!host->is_map() || !host->entries.empty()) {
      fields.error(host->position, "hostSelector: expected `{}`, the host is one and has no labels");
    }
  }
  return out;
}

}  // namespace trigon::policy
