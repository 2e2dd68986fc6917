#include "output/stack_text.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "output/json_object.h"
#include "output/text.h"

namespace trigon::output {
namespace {

enum class Space { kKernel, kUser };

StackFrame resolve(const event::Hook& hook, Space space, uint64_t address, const StackOptions& options) {
  if (options.resolver == nullptr) return {};
  if (space == Space::kKernel) return options.resolver->kernel(address);
  return options.resolver->user(hook.record->rec.pid, hook.record->rec.start_ns, address);
}

template <typename Each>
void for_each_address(std::string_view stack, Each each) {
  for (; stack.size() >= sizeof(uint64_t); stack.remove_prefix(sizeof(uint64_t))) {
    uint64_t address;
    std::memcpy(&address, stack.data(), sizeof(address));
    each(address);
  }
}

void put_json_stack(std::string_view key, const event::Hook& hook, Space space, std::string_view stack,
                    const StackOptions& options, JsonObject* object) {
  if (stack.empty()) return;
  Buffer* const out = object->member(key);
  char separator = '[';
  for_each_address(stack, [&](uint64_t address) {
    out->append(std::exchange(separator, ','));
    const StackFrame frame = resolve(hook, space, address, options);
    JsonObject entry(out);
    if (options.addresses) entry.wide("\"address\":", address);
    entry.wide("\"offset\":", frame.offset);
    entry.text("\"symbol\":", frame.symbol);
    entry.text("\"module\":", frame.module);
    entry.close();
  });
  out->append(']');
}

void put_offset(uint64_t offset, Buffer* out) {
  out->append("+0x");
  put_hex(offset, out);
}

void put_plain_stack(std::string_view title, const event::Hook& hook, Space space, std::string_view stack,
                     const StackOptions& options, Buffer* out) {
  if (stack.empty()) return;
  out->append(title);
  for_each_address(stack, [&](uint64_t address) {
    const StackFrame frame = resolve(hook, space, address, options);
    out->append("   ");
    if (options.addresses) {
      out->append("0x");
      put_hex16(address, out);
      out->append(": ");
    }
    if (frame.symbol.empty()) {
      out->append('?');
    } else {
      put_printable(frame.symbol, out);
    }
    if (space == Space::kKernel) {
      if (!frame.symbol.empty()) put_offset(frame.offset, out);
    } else if (!frame.module.empty()) {
      out->append(" (");
      put_printable(frame.module, out);
      put_offset(frame.offset, out);
      out->append(')');
    }
    out->append('\n');
  });
}

}  // namespace

void put_json_stacks(const event::Hook& hook, uint32_t wanted, const StackOptions& options, JsonObject* object) {
  if (wanted & TRIGON_ACT_KSTACK) {
    put_json_stack("\"kernel_stack_trace\":", hook, Space::kKernel, hook.kernel_stack(), options, object);
  }
  if (wanted & TRIGON_ACT_USTACK) {
    put_json_stack("\"user_stack_trace\":", hook, Space::kUser, hook.user_stack(), options, object);
  }
}

void put_plain_stacks(const event::Hook& hook, uint32_t wanted, const StackOptions& options, Buffer* out) {
  if (wanted & TRIGON_ACT_KSTACK) {
    put_plain_stack("Kernel:\n", hook, Space::kKernel, hook.kernel_stack(), options, out);
  }
  if (wanted & TRIGON_ACT_USTACK) {
    put_plain_stack("User:\n", hook, Space::kUser, hook.user_stack(), options, out);
  }
}

}  // namespace trigon::output
