// Stack traces of a hook's events.
#pragma once

#include <cstdint>

#include "event/decode.h"
#include "output/buffer.h"
#include "output/json_object.h"
#include "output/stack_resolver.h"

namespace trigon::output {

struct StackOptions {
  StackResolver* resolver = nullptr;  // must outlive the writer; null: frames have their address only, if that
  bool addresses = false;             // --expose-stack-addresses: they tell where the kernel was loaded
};

// wanted: TRIGON_ACT_KSTACK and TRIGON_ACT_USTACK, as the selector asks for them: the record may have one because
// another policy does.

// Members `kernel_stack_trace` and `user_stack_trace`, each when the event has it.
void put_json_stacks(const event::Hook& hook, uint32_t wanted, const StackOptions& options, JsonObject* object);
// "Kernel:" and "User:", a line for each frame; nothing when the event has none.
void put_plain_stacks(const event::Hook& hook, uint32_t wanted, const StackOptions& options, Buffer* out);

}  // namespace trigon::output
