// Numbers that outlive a generation: what was in use in the generation before is not given to somebody else in this
// one, as events of both are decided side by side while they change over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace trigon::policy {

class Slots {
 public:
  Slots(std::vector<bool> before, size_t limit) : before_(std::move(before)), now_(limit, false) {
    before_.resize(limit, false);
  }

  void keep(uint16_t slot) { now_[slot] = true; }
  // Nothing: all are in use.
  std::optional<uint16_t> allocate() {
    for (; first_ < now_.size(); ++first_) {
      if (before_[first_] || now_[first_]) continue;
      now_[first_] = true;
      return static_cast<uint16_t>(first_);
    }
    return std::nullopt;
  }
  const std::vector<bool>& in_use() const { return now_; }

 private:
  std::vector<bool> before_, now_;
  size_t first_ = 0;
};

}  // namespace trigon::policy
