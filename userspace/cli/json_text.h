// JsonText: the reports of the verbs as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "output/buffer.h"
#include "output/text.h"

namespace trigon::cli {

// Writes one object or list; commas are its business.
class JsonText {
 public:
  JsonText& key(std::string_view name) {
    comma();
    output::put_string(name, &out_);
    out_.append(':');
    first_ = true;  // no comma before the value
    return *this;
  }
  JsonText& open(char bracket) {
    comma();
    out_.append(bracket);
    first_ = true;
    return *this;
  }
  JsonText& close(char bracket) {
    out_.append(bracket);
    first_ = false;
    return *this;
  }
  JsonText& text(std::string_view value) {
    comma();
    output::put_string(value, &out_);
    return *this;
  }
  JsonText& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonText& number(uint64_t value) { return raw(std::to_string(value)); }
  JsonText& list(const std::vector<std::string>& values) {
    open('[');
    for (const std::string& value : values) text(value);
    return close(']');
  }
  std::string take() const { return std::string(out_.view()) + "\n"; }

 private:
  JsonText& raw(std::string_view value) {
    comma();
    out_.append(value);
    return *this;
  }
  void comma() {
    if (!first_) out_.append(',');
    first_ = false;
  }

  output::Buffer out_;
  bool first_ = true;
};

}  // namespace trigon::cli
