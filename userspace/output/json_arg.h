// The values of a hook's events as KprobeArgument objects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/decode.h"
#include "output/arg_form.h"
#include "output/buffer.h"
#include "policy/compiled.h"

namespace trigon::output {

// What is the same in all events of a hook entry.
struct ArgText {
  uint8_t field = 0;
  ArgForm form = ArgForm::kByField;
  std::string tail;  // `,"label":"…"}` or `}`
};

// Those that are shown: `nop` is not.
std::vector<ArgText> arg_texts(const std::vector<policy::ArgSpec>& args);

// One KprobeArgument. False: the value is not in the record or could not be read, and an error_arg says so.
bool put_json_arg(const event::Hook& hook, const ArgText& arg, uint32_t host_user_ns, Buffer* out);

}  // namespace trigon::output
