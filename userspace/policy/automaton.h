// Finds any of many strings in one pass over a value (Aho and Corasick): a state for each beginning of a string, and
// from each the state of its longest ending that is a beginning too, where the search goes on when a byte does not fit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace trigon::policy {

class Automaton {
 public:
  using State = uint32_t;  // 0 is the root
  struct Step {
    State from;
    uint8_t byte;
    State to;
  };

  // The state in which the string has been seen. All strings come before finish().
  State add(std::string_view string);
  void finish();

  size_t states() const { return fallback_.size(); }
  const std::vector<Step>& steps() const { return steps_; }
  // In this order a state's fallback comes before it.
  const std::vector<State>& by_length() const { return order_; }
  State fallback(State state) const { return fallback_[state]; }

 private:
  State step(State from, uint8_t byte) const;  // 0: none

  std::unordered_map<uint64_t, State> next_;  // from << 8 | byte
  std::vector<Step> steps_;
  std::vector<State> fallback_{0};
  std::vector<State> order_{0};
};

}  // namespace trigon::policy
