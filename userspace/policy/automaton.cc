#include "policy/automaton.h"

namespace trigon::policy {

Automaton::State Automaton::step(State from, uint8_t byte) const {
  const auto found = next_.find(uint64_t{from} << 8 | byte);
  return found == next_.end() ? 0 : found->second;
}

Automaton::State Automaton::add(std::string_view string) {
  State state = 0;
  for (const char c : string) {
    const auto byte = static_cast<uint8_t>(c);
    State next = step(state, byte);
    if (next == 0) {
      next = static_cast<State>(fallback_.size());
      fallback_.push_back(0);
      next_.emplace(uint64_t{state} << 8 | byte, next);
      steps_.push_back({state, byte, next});
    }
    state = next;
  }
  return state;
}

void Automaton::finish() {
  // Steps by the state they leave.
  std::vector<std::vector<Step>> leaving(states());
  for (const Step& s : steps_) leaving[s.from].push_back(s);
  order_ = {0};
  for (size_t i = 0; i < order_.size(); ++i) {
    const State from = order_[i];
    for (const Step& s : leaving[from]) {
      order_.push_back(s.to);
      if (from == 0) continue;
      State back = fallback_[from];
      while (back != 0 && step(back, s.byte) == 0) back = fallback_[back];
      fallback_[s.to] = step(back, s.byte);
    }
  }
}

}  // namespace trigon::policy
