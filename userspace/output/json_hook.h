// HookJson: the events of hooks, of whatever kind, and what is remembered of their selectors. Single-threaded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "output/json_arg.h"
#include "output/json_process.h"
#include "output/json_writer.h"

namespace trigon::output {

class HookJson {
 public:
  HookJson(const JsonOptions* options, ProcessJson* process) : options_(options), process_(process) {}

  // `{"process_kprobe":{…}`: the line up to the members that all events have.
  void put(const HookEvent& event, Buffer* out);
  // Selectors of before may have the addresses of new ones.
  void forget();

 private:
  // What the published message of a kind has members for; the rest is in the `trigon` object.
  struct Shape {
    std::string_view open;  // `{"process_kprobe":{"process":`
    bool data;              // `data`
    bool returns;           // `return`, `return_action`
    bool returns_arg;       // the return value is one more of `args`
    bool stacks;
  };
  // What is the same in all events of a selector.
  struct SelectorText {
    Shape shape{};
    std::string head;   // from the function's name to the arguments
    std::string close;  // from the policy's name on
    std::vector<ArgText> args;
    std::vector<ArgText> data;
    std::vector<ArgText> returns;
    uint32_t stacks = 0;  // TRIGON_ACT_KSTACK and TRIGON_ACT_USTACK, as it asks for them
    bool ima = false;
    bool ancestors = false;
    bool extension = false;  // there is a `trigon` object whatever happened
  };

  static Shape shape_of(policy::HookKind kind);
  const SelectorText& text_of(const policy::SelectorRef& selector);
  std::unique_ptr<SelectorText> make_text(const policy::SelectorRef& selector) const;
  // `KEY[…]`, nothing for no arguments. False: something could not be read.
  bool put_list(std::string_view key, const event::Hook& hook, const std::vector<ArgText>& args, Buffer* out) const;
  void put_extension(const HookEvent& event, const SelectorText& text, bool readable, Buffer* out) const;

  const JsonOptions* options_;
  ProcessJson* process_;
  std::unordered_map<const policy::SelectorRef*, std::unique_ptr<SelectorText>> selectors_;
  const policy::SelectorRef* last_ = nullptr;
  const SelectorText* last_text_ = nullptr;
};

}  // namespace trigon::output
