// The values of a hook's events for people: a path, "1.2.3.4:80", a number…, quoted where it must be.
#pragma once

#include <cstdint>

#include "event/decode.h"
#include "output/arg_form.h"
#include "output/buffer.h"

namespace trigon::output {

void put_plain_arg(const event::Hook& hook, uint8_t field, ArgForm form, Buffer* out);

}  // namespace trigon::output
