#include "policy/parse_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

namespace trigon::policy {
namespace {

// About 200 MiB, and a hundred lists of the 10,000 values that an operator may have.
constexpr size_t kMaxNodes = 1'000'000;
// Aliases copy what they name: a page of nested ones could ask for more memory than the machine has.
constexpr size_t kMaxAliased = 200'000;
// Policies nest about ten deep; the tree is walked and freed recursively.
constexpr size_t kMaxDepth = 64;

struct Refused {
  Position position;
  std::string message;
};

Position position_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1};
}

size_t count_nodes(const Node& node) {
  size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const auto& [key, value] : node.entries) count += count_nodes(key) + count_nodes(value);
  return count;
}

size_t depth_of(const Node& node) {
  size_t depth = 0;
  for (const Node& item : node.items) depth = std::max(depth, depth_of(item));
  for (const auto& [key, value] : node.entries) depth = std::max({depth, depth_of(key), depth_of(value)});
  return depth + 1;
}

// Builds the tree while the library reports what it sees.
class Builder : public YAML::EventHandler {
 public:
  Node& root() { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {
    root_ = Node();
    open_.clear();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.position = position_of(mark);
    add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node;
    node.position = position_of(mark);
    node.kind = Node::Kind::kScalar;
    node.quoted = tag == "!" || tag.ends_with(":str");
    node.scalar = value;
    if (!node.quoted && (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL")) {
      node.kind = Node::Kind::kNull;
    }
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{position_of(mark), "this alias names something that contains it"};
    if (open_.size() + depth_of(found->second) > kMaxDepth) too_deep(position_of(mark));
    const size_t copied = count_nodes(found->second);
    nodes_ += copied;
    aliased_ += copied;
    if (aliased_ > kMaxAliased) throw Refused{position_of(mark), "the file is too large"};
    add(Node(found->second), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(Node::Kind::kSequence, mark, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(Node::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    Node node;
    Node key;
    bool has_key = false;
    YAML::anchor_t anchor = 0;
  };

  [[noreturn]] static void too_deep(Position position) { throw Refused{position, "nested too deeply"}; }

  void start(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxDepth) too_deep(position_of(mark));
    Open open;
    open.node.kind = kind;
    open.node.position = position_of(mark);
    open.anchor = anchor;
    open_.push_back(std::move(open));
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (++nodes_ > kMaxNodes) throw Refused{node.position, "the file is too large"};
    if (anchor) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      parent.key = std::move(node);
      parent.has_key = true;
    } else {
      parent.node.entries.push_back({std::move(parent.key), std::move(node)});
      parent.has_key = false;
    }
  }

  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  size_t nodes_ = 0;
  size_t aliased_ = 0;  // of them
};

}  // namespace

std::vector<Node> parse_yaml(Sink& sink) {
  std::vector<Node> documents;
  try {
    std::istringstream in(sink.source()->text);
    YAML::Parser parser(in);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
      if (!builder.root().is_null()) documents.push_back(std::move(builder.root()));
    }
    return documents;
  } catch (const Refused& refused) {
    sink.error(refused.position, refused.message);
  } catch (const YAML::Exception& error) {
    sink.error(position_of(error.mark), "not valid YAML: " + error.msg);
  } catch (const std::exception& error) {
    sink.error({}, std::string("not valid YAML: ") + error.what());
  }
  return {};
}

}  // namespace trigon::policy
