// What the hook program does with a generation's tables, in plain C++: control, hook, dimensions, AND, first match of
// each hook entry. Written against the descriptions in bpf/abi/policy.h, not against the compiler.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "policy/compiled.h"

namespace trigon::policy {

// One system call as a program sees it.
struct TestEvent {
  uint8_t abi = TRIGON_ABI_NATIVE;
  uint16_t number = 0;
  uint64_t registers[6] = {};
  // What strings, descriptors and buffers at a register would read as; nullopt: unreadable.
  std::map<uint8_t, std::optional<std::string>> memory;
  uint32_t pid = 0;
  uint32_t ns_pid = 0;
  std::vector<uint32_t> lineage;     // pids of the process and its ancestors
  std::vector<uint32_t> ns_lineage;  // the same as their own namespaces see them
  std::string binary;
};

class TableInterpreter {
 public:
  explicit TableInterpreter(const CompiledSet& set) : set_(set) {
    for (const auto& [key, value] : set.numbers) numbers_[{key.dim, key.value}] = value;
  }

  // Selector numbers that win at the hook of the event's system call, and at the one of all system calls.
  std::vector<SelectorRef> matches(const TestEvent& event) const {
    std::vector<SelectorRef> out;
    const uint16_t own = set_.syscalls[event.abi * TRIGON_MAX_SYSCALLS + event.number];
    const uint32_t raw = set_.control.raw_hook[set_.generation & 1];
    for (uint32_t slot : {static_cast<uint32_t>(own), raw}) {
      if (slot == 0) continue;
      for (size_t selector : run(slot - 1, event)) out.push_back(set_.hooks[slot - 1][selector]);
    }
    return out;
  }

 private:
  struct Value {
    bool readable = true;
    uint64_t number = 0;
    std::string bytes;
  };

  std::vector<size_t> run(size_t slot, const TestEvent& event) const {
    const trigon_hook& hook = set_.hook_tables[slot];
    trigon_vector bits = set_.vectors[hook.all];
    for (size_t d = 0; d < hook.dims; ++d) {
      const trigon_vector& vector = look_up(hook, hook.dim[d], event);
      for (size_t w = 0; w < hook.words; ++w) bits.word[w] &= vector.word[w];
    }
    std::vector<size_t> out;
    const auto is_set = [&](size_t s) { return bits.word[s / 64] >> (s % 64) & 1; };
    for (size_t s = 0; s < hook.selectors; ++s) {
      if (!is_set(s)) continue;
      out.push_back(s);
      const trigon_selector& meta = set_.selectors[hook.sel_base + s];
      for (size_t other = meta.spec_begin; other < meta.spec_end; ++other) {
        bits.word[other / 64] &= ~(1ULL << (other % 64));
      }
    }
    return out;
  }

  Value field(const trigon_field_conf& conf, const TestEvent& event) const {
    const uint64_t reg = event.registers[conf.arg];
    Value value;
    switch (conf.type) {
      case TRIGON_ARG_INT8:
        value.number = static_cast<uint64_t>(static_cast<int8_t>(reg));
        break;
      case TRIGON_ARG_UINT8:
        value.number = static_cast<uint8_t>(reg);
        break;
      case TRIGON_ARG_INT16:
        value.number = static_cast<uint64_t>(static_cast<int16_t>(reg));
        break;
      case TRIGON_ARG_UINT16:
        value.number = static_cast<uint16_t>(reg);
        break;
      case TRIGON_ARG_INT32:
        value.number = static_cast<uint64_t>(static_cast<int32_t>(reg));
        break;
      case TRIGON_ARG_UINT32:
        value.number = static_cast<uint32_t>(reg);
        break;
      case TRIGON_ARG_SYSCALL:
        value.number = event.number | (event.abi == TRIGON_ABI_COMPAT32 ? 0x80000000ULL : 0);
        break;
      case TRIGON_ARG_STRING:
      case TRIGON_ARG_FD:
      case TRIGON_ARG_CHAR_BUF: {
        const auto found = event.memory.find(conf.arg);
        value.readable = found != event.memory.end() && found->second.has_value();
        if (value.readable) value.bytes = *found->second;
        break;
      }
      default:
        value.number = reg;
        break;
    }
    return value;
  }

  Value source(const trigon_hook& hook, const trigon_dim& dim, const TestEvent& event) const {
    Value value;
    switch (dim.source) {
      case TRIGON_SRC_FIELD:
        return field(hook.field[dim.field], event);
      case TRIGON_SRC_PID:
        value.number = event.pid;
        break;
      case TRIGON_SRC_NS_PID:
        value.number = event.ns_pid;
        break;
      case TRIGON_SRC_FOLLOW:
        for (uint32_t i = 0; i < set_.control.follow_count; ++i) {
          const bool ns = set_.control.follow_is_ns_pid >> i & 1;
          const auto& lineage = ns ? event.ns_lineage : event.lineage;
          const uint32_t pid = set_.control.follow_pid[i];
          if (std::find(lineage.begin(), lineage.end(), pid) != lineage.end()) value.number |= 1ULL << i;
        }
        break;
      case TRIGON_SRC_BINARY:
        value.number = binary_class(0, event.binary);
        break;
      case TRIGON_SRC_BINARY_POST: {
        const std::string reversed(event.binary.rbegin(), event.binary.rend());
        value.number = binary_class(1, reversed);
        break;
      }
    }
    return value;
  }

  uint32_t binary_class(uint32_t which, const std::string& path) const {
    return longest_prefix(set_.control.binary_dim[set_.generation & 1] + which, path).value_or(0);
  }

  const trigon_vector& look_up(const trigon_hook& hook, const trigon_dim& dim, const TestEvent& event) const {
    const Value value = source(hook, dim, event);
    if (!value.readable) return set_.vectors[dim.unreadable];
    switch (dim.lookup) {
      case TRIGON_LOOKUP_EQ:
        return set_.vectors[number(dim, value.number).value_or(dim.dflt)];
      case TRIGON_LOOKUP_RANGE:
        return set_.vectors[range(dim, value.number).value_or(dim.dflt)];
      case TRIGON_LOOKUP_MASK: {
        scratch_ = set_.vectors[dim.dflt];
        for (uint32_t bit = 0; bit < 64; ++bit) {
          if (!(value.number & dim.mask & 1ULL << bit)) continue;
          const auto found = number(dim, bit);
          for (size_t w = 0; found && w < TRIGON_VEC_WORDS; ++w) scratch_.word[w] |= set_.vectors[*found].word[w];
        }
        return scratch_;
      }
      case TRIGON_LOOKUP_PREFIX:
        return set_.vectors[longest_prefix(dim.dim, value.bytes).value_or(dim.dflt)];
      default: {
        const std::string reversed(value.bytes.rbegin(), value.bytes.rend());
        return set_.vectors[longest_prefix(dim.dim, reversed).value_or(dim.dflt)];
      }
    }
  }

  std::optional<uint32_t> number(const trigon_dim& dim, uint64_t value) const {
    const auto found = numbers_.find({dim.dim, value});
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<uint32_t> range(const trigon_dim& dim, uint64_t value) const {
    if (dim.flip) value ^= 1ULL << 63;
    std::optional<uint32_t> best;
    uint32_t longest = 0;
    for (const auto& [key, result] : set_.ranges) {
      uint64_t entry = 0;
      for (uint8_t byte : key.value) entry = entry << 8 | byte;
      const uint32_t bits = key.prefixlen - 32;
      const bool matches = bits == 0 || (entry ^ value) >> (64 - bits) == 0;
      if (key.dim != dim.dim || !matches || key.prefixlen < longest) continue;
      longest = key.prefixlen;
      best = result;
    }
    return best;
  }

  std::optional<uint32_t> longest_prefix(uint32_t dim, std::string bytes) const {
    bytes += '\0';
    bytes.resize(std::min<size_t>(bytes.size(), TRIGON_LPM_BYTES));
    std::optional<uint32_t> best;
    uint32_t longest = 0;
    for (const auto& [key, result] : set_.prefixes) {
      const uint32_t length = (key.prefixlen - 32) / 8;
      const bool matches = length <= bytes.size() && std::memcmp(key.data, bytes.data(), length) == 0;
      if (key.dim != dim || !matches || key.prefixlen < longest) continue;
      longest = key.prefixlen;
      best = result;
    }
    // A program cannot tell an entry with the value 0 from no entry.
    return best == 0u ? std::nullopt : best;
  }

  const CompiledSet& set_;
  std::map<std::pair<uint32_t, uint64_t>, uint32_t> numbers_;
  mutable trigon_vector scratch_{};
};

}  // namespace trigon::policy
