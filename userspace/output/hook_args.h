// How the arguments of a hook's events are shown: decided once per hook entry from the types the policy wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "event/decode.h"
#include "output/buffer.h"
#include "policy/compiled.h"

namespace trigon::output {

enum class ArgForm : uint8_t {
  kInt,
  kUint,
  kLong,
  kSize,
  kString,
  kBytes,
  kFile,
  kPath,
  kSockaddr,
  kSyscall,
  kNothing,
};

struct ArgText {
  uint8_t field = 0;
  ArgForm form = ArgForm::kNothing;
  std::string tail;  // `,"label":"…"}` or `}`
};

ArgForm arg_form(std::string_view type);

// One KprobeArgument object.
void put_json_argument(const event::Hook& hook, const ArgText& arg, Buffer* out);
// For people: a path, "1.2.3.4:80", a number…, quoted where it must be.
void put_plain_argument(const event::Hook& hook, uint8_t field, ArgForm form, Buffer* out);

}  // namespace trigon::output
