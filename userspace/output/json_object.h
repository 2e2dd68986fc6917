// JsonObject: writes the members of an object that are not the default of their type, as protojson does. Keys are given
// as they are written: `"name":`. Values must outlive nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "output/buffer.h"
#include "output/text.h"

namespace trigon::output {

class JsonObject {
 public:
  explicit JsonObject(Buffer* out) : out_(out) {}
  // Goes on with an object that has members already.
  static JsonObject resume(Buffer* out) {
    JsonObject object(out);
    object.separator_ = ',';
    return object;
  }

  // The key of a member that the caller writes.
  Buffer* member(std::string_view key) {
    out_->append(separator_);
    separator_ = ',';
    out_->append(key);
    return out_;
  }
  // Left out when it is empty.
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) put_string(value, member(key));
  }
  // Left out when it is 0.
  void number(std::string_view key, uint64_t value) {
    if (value != 0) put_uint(value, member(key));
  }
  // A wrapped number: written whenever it is known.
  void wrapped(std::string_view key, uint64_t value) { put_uint(value, member(key)); }
  // 64 bits: in quotes.
  void wide(std::string_view key, uint64_t value) {
    if (value == 0) return;
    member(key)->append('"');
    put_uint(value, out_);
    out_->append('"');
  }
  // The name of a number, or its digits, in quotes.
  void name(std::string_view key, std::string_view name, uint64_t number) {
    member(key)->append('"');
    put_name(name, number, out_);
    out_->append('"');
  }
  bool empty() const { return separator_ == '{'; }
  void close() { out_->append(separator_ == '{' ? "{}" : "}"); }

 private:
  Buffer* out_;
  char separator_ = '{';
};

}  // namespace trigon::output
