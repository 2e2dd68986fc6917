// What the hook program does with a generation's tables, in plain C++: control, hook, dimensions, AND, first match of
// each hook entry, and the return phase. Written against the descriptions in bpf/abi/policy.h, not against the
// compiler.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "policy/compiled.h"
#include "policy/workload_vectors.h"
#include "tests/unit/policy/test_event.h"

namespace trigon::policy {

class TableInterpreter {
 public:
  explicit TableInterpreter(const CompiledSet& original)
      : shared_(std::make_shared<const CompiledSet>(original)), set_(*shared_), workloads_(shared_) {
    for (const auto& [key, value] : set_.numbers) {
      const bool is_new = numbers_.try_emplace({key.dim, key.device, key.value}, value).second;
      EXPECT_TRUE(is_new) << "two entries for one number";
    }
    for (const auto& [key, value] : set_.ranges) {
      const std::string bytes(reinterpret_cast<const char*>(key.value), sizeof(key.value));
      EXPECT_TRUE(ranges_[key.dim].try_emplace({key.prefixlen - 32, bytes}, value).second) << "two of one range";
    }
    for (const auto& [key, value] : set_.prefixes) {
      const std::string bytes(reinterpret_cast<const char*>(key.data), (key.prefixlen - 32) / 8);
      EXPECT_LE(bytes.size(), TRIGON_TRIE_CHUNK);
      EXPECT_TRUE(value.result != 0 || value.next != 0) << "an entry that says nothing";
      EXPECT_TRUE(value.next == 0 || bytes.size() == TRIGON_TRIE_CHUNK) << "only whole pieces lead on";
      EXPECT_TRUE(prefixes_[key.dim].try_emplace(bytes, value).second) << "two entries for one string";
    }
  }

  // Selectors that win at the hook of the event, and at the one of all system calls; after the return where there is
  // one.
  std::vector<SelectorRef> matches(const TestEvent& event) {
    std::vector<SelectorRef> out;
    std::vector<uint32_t> slots;  // + 1
    if (event.is_syscall) {
      slots = {set_.syscalls[event.abi * TRIGON_MAX_SYSCALLS + event.number], set_.control.raw_hook[parity()]};
    } else if (const auto known = set_.state.hooks.find(event.point); known != set_.state.hooks.end()) {
      slots = {known->second.slot + 1U};
    }
    classify(event);
    for (uint32_t slot : slots) {
      if (slot != 0) run_hook(static_cast<uint16_t>(slot - 1), event, out);
    }
    return out;
  }

 private:
  // One hook, both phases.
  void run_hook(uint16_t slot, const TestEvent& event, std::vector<SelectorRef>& out) {
    const auto found = set_.hook_tables.find(slot);
    ASSERT_NE(found, set_.hook_tables.end());
    const trigon_hook& hook = found->second;
    std::vector<trigon_field_conf> fields;
    if (event.is_syscall) {
      for (size_t i = 0; i < hook.fields + hook.return_fields; ++i) fields.push_back(conf_of(hook.field[i]));
    } else {
      fields = set_.state.hooks.at(event.point).fields;
    }
    ASSERT_EQ(fields.size(), hook.fields + hook.return_fields);
    trigon_vector left = evaluate(hook, set_.vectors[hook.all], 0, hook.fields, fields, event);
    trigon_vector pending{};
    for (size_t s : take(hook, left)) {
      const uint32_t actions = set_.selectors[hook.sel_base + s].actions;
      if (actions & TRIGON_ACT_RETURN) {
        pending.word[s / 64] |= 1ULL << (s % 64);
      } else {
        out.push_back(set_.hooks.at(slot)[s]);
      }
    }
    if (hook.return_slot == 0) return;
    const auto return_slot = static_cast<uint16_t>(hook.return_slot - 1);
    const trigon_hook& after = set_.hook_tables.at(return_slot);
    ASSERT_EQ(after.selectors, hook.selectors);
    for (size_t w = 0; w < TRIGON_VEC_WORDS; ++w) {
      ASSERT_EQ(pending.word[w] & ~set_.vectors[after.all].word[w], 0U);
    }
    left = evaluate(after, pending, hook.fields, fields.size(), fields, event);
    for (size_t s : take(after, left)) out.push_back(set_.hooks.at(return_slot)[s]);
  }

  static trigon_field_conf conf_of(const trigon_syscall_field& field) {
    trigon_field_conf conf{};
    conf.type = field.type;
    conf.arg = field.arg;
    conf.size_arg = field.size_arg;
    conf.flags = field.flags;
    conf.max = field.max;
    conf.source = field.flags & TRIGON_CONF_RESULT ? TRIGON_FROM_RETURN : TRIGON_FROM_ARG;
    return conf;
  }

  // Fields first…end-1 are read one after another; a dimension is looked up when the last that it needs is there.
  trigon_vector evaluate(const trigon_hook& hook, trigon_vector bits, size_t first, size_t end,
                         const std::vector<trigon_field_conf>& fields, const TestEvent& event) {
    size_t d = 0;
    const auto look = [&] {
      const trigon_vector vector = look_up(hook.dim[d++], fields, event);
      for (size_t w = 0; w < hook.words; ++w) bits.word[w] &= vector.word[w];
    };
    while (d < hook.dims && hook.dim[d].source != TRIGON_SRC_FIELD) look();
    for (size_t f = first; f < end; ++f) {
      if (!(hook.need >> f & 1)) continue;
      while (d < hook.dims && needs(hook.dim[d]) == f) look();
    }
    EXPECT_EQ(d, hook.dims) << "a dimension is out of order or needs a field that is not read";
    return bits;
  }

  static size_t needs(const trigon_dim& dim) {
    return dim.part == TRIGON_PART_GAINED ? std::max(dim.field, dim.field2) : dim.field;
  }

  // First match wins in each hook entry.
  std::vector<size_t> take(const trigon_hook& hook, trigon_vector bits) const {
    std::vector<size_t> out;
    for (size_t s = 0; s < hook.selectors; ++s) {
      if (!(bits.word[s / 64] >> (s % 64) & 1)) continue;
      out.push_back(s);
      const trigon_selector& meta = set_.selectors[hook.sel_base + s];
      for (size_t other = meta.spec_begin; other < meta.spec_end; ++other) {
        bits.word[other / 64] &= ~(1ULL << (other % 64));
      }
    }
    return out;
  }

  // The process's state.
  void classify(const TestEvent& event) {
    const TestBinary& own = event.binaries[0];
    const TestBinary& parent = event.binaries[1];
    binary_ = path_class(own.path);
    binary_post_ = path_class_post(own.path);
    binary_file_ = file_class(own.file);
    parent_ = path_class(parent.path);
    parent_post_ = path_class_post(parent.path);
    parent_file_ = file_class(parent.file);
    children_[0] = children_[1] = 0;
    const auto join = [&](uint32_t dim, uint32_t number) {
      if (dim == 0 || number == 0) return;
      const auto found = numbers_.find({dim, 0, number});
      for (size_t w = 0; found != numbers_.end() && w < 2; ++w) {
        children_[w] |= set_.vectors[found->second].word[w];
      }
    };
    for (size_t i = 0; i < event.binaries.size(); ++i) {
      const TestBinary& binary = event.binaries[i];
      join(set_.control.child_dim[parity()], path_class(binary.path));
      join(set_.control.child_file_dim[parity()], file_class(binary.file));
      const uint32_t parents = set_.control.child_parent_dim[parity()];
      if (i == 0 || parents == 0) continue;
      join(parents, path_class(binary.path));
      join(parents + 1, file_class(binary.file));
    }
  }

  uint32_t parity() const { return set_.generation & 1; }

  uint32_t path_class(const std::string& path) const {
    const uint32_t dim = set_.control.path_dim[parity()];
    return dim == 0 ? 0 : longest_prefix(dim, path);
  }
  uint32_t path_class_post(const std::string& path) const {
    const uint32_t dim = set_.control.path_dim[parity()];
    if (dim == 0 || set_.control.path_post[parity()] == 0) return 0;
    return longest_prefix(dim + 1, std::string(path.rbegin(), path.rend()));
  }
  uint32_t file_class(const FileId& file) const {
    const uint32_t dim = set_.control.file_dim[parity()];
    const auto found = numbers_.find({dim, file.device, file.inode});
    return dim == 0 || found == numbers_.end() ? 0 : found->second;
  }

  static uint64_t extended(uint8_t type, uint64_t raw) {
    switch (type) {
      case TRIGON_ARG_INT8:
        return static_cast<uint64_t>(static_cast<int8_t>(raw));
      case TRIGON_ARG_UINT8:
        return static_cast<uint8_t>(raw);
      case TRIGON_ARG_INT16:
        return static_cast<uint64_t>(static_cast<int16_t>(raw));
      case TRIGON_ARG_UINT16:
        return static_cast<uint16_t>(raw);
      case TRIGON_ARG_INT32:
        return static_cast<uint64_t>(static_cast<int32_t>(raw));
      case TRIGON_ARG_UINT32:
        return static_cast<uint32_t>(raw);
      default:
        return raw;
    }
  }

  static TestValue read(const trigon_field_conf& conf, const TestEvent& event) {
    TestValue value;
    if (conf.type == TRIGON_ARG_SYSCALL) {
      value.number = event.number | (event.abi == TRIGON_ABI_COMPAT32 ? 0x80000000ULL : 0);
      return value;
    }
    const auto found = event.values.find(value_key(conf));
    value.readable = found != event.values.end() && found->second.readable;
    if (!value.readable) return value;
    value = found->second;
    value.number = extended(conf.type, value.number);
    return value;
  }

  trigon_vector look_up(const trigon_dim& dim, const std::vector<trigon_field_conf>& fields, const TestEvent& event) {
    if (dim.source != TRIGON_SRC_FIELD) return look_up_number(dim, process_value(dim, event), event);
    const TestValue value = read(fields.at(dim.field), event);
    if (!value.readable) return set_.vectors[dim.unreadable];
    switch (dim.part) {
      case TRIGON_PART_VALUE:
        if (dim.lookup == TRIGON_LOOKUP_PREFIX || dim.lookup == TRIGON_LOOKUP_POSTFIX ||
            dim.lookup == TRIGON_LOOKUP_SUBSTRING) {
          return look_up_text(dim, value.bytes);
        }
        return look_up_number(dim, value.number, event);
      case TRIGON_PART_PATH_CLASS:
        return look_up_number(dim, path_class(value.bytes), event);
      case TRIGON_PART_PATH_CLASS_POST:
        return look_up_number(dim, path_class_post(value.bytes), event);
      case TRIGON_PART_FILE_TYPE:
        return look_up_number(dim, value.mode >> 12, event);
      case TRIGON_PART_GAINED: {
        const TestValue old = read(fields.at(dim.field2), event);
        if (!old.readable) return set_.vectors[dim.unreadable];
        return look_up_number(dim, value.number & ~old.number, event);
      }
      case TRIGON_PART_SADDR:
      case TRIGON_PART_DADDR: {
        const auto found = value.addresses.find(static_cast<trigon_part>(dim.part));
        if (found == value.addresses.end()) return set_.vectors[dim.extra];
        return set_.vectors[longest_range(dim, {found->second.begin(), found->second.end()})];
      }
      default: {
        const auto found = value.parts.find(static_cast<trigon_part>(dim.part));
        if (found == value.parts.end()) return set_.vectors[dim.extra];
        return look_up_number(dim, found->second, event);
      }
    }
  }

  uint64_t process_value(const trigon_dim& dim, const TestEvent& event) const {
    switch (dim.source) {
      case TRIGON_SRC_PID:
        return event.pid;
      case TRIGON_SRC_NS_PID:
        return event.ns_pid;
      case TRIGON_SRC_FOLLOW: {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < set_.control.follow_count; ++i) {
          const bool ns = set_.control.follow_is_ns_pid >> i & 1;
          const auto& lineage = ns ? event.ns_lineage : event.lineage;
          const uint32_t pid = set_.control.follow_pid[i];
          if (std::find(lineage.begin(), lineage.end(), pid) != lineage.end()) bits |= 1ULL << i;
        }
        return bits;
      }
      case TRIGON_SRC_BINARY:
        return binary_;
      case TRIGON_SRC_BINARY_POST:
        return binary_post_;
      case TRIGON_SRC_PARENT:
        return parent_;
      case TRIGON_SRC_PARENT_POST:
        return parent_post_;
      case TRIGON_SRC_CHILDREN:
        return children_[dim.field];
      case TRIGON_SRC_NAMESPACE:
        return event.namespaces[dim.field];
      case TRIGON_SRC_NS_CHANGES:
        return event.namespace_changes;
      case TRIGON_SRC_CAPS:
        return event.caps[dim.field];
      case TRIGON_SRC_CAP_CHANGES:
        return event.cap_changes[dim.field];
      case TRIGON_SRC_CRED:
        return event.creds[dim.field];
      default:
        return 0;
    }
  }

  trigon_vector look_up_number(const trigon_dim& dim, uint64_t value, const TestEvent& event) {
    if (dim.source == TRIGON_SRC_WORKLOAD) return workload_vector(dim, event);
    switch (dim.lookup) {
      case TRIGON_LOOKUP_EQ:
        if (!(dim.mask >> (value & 63) & 1)) return set_.vectors[dim.dflt];
        return set_.vectors[number(dim.dim, value).value_or(dim.dflt)];
      case TRIGON_LOOKUP_RANGE: {
        if (dim.flip) value ^= 1ULL << 63;
        std::string bytes(16, '\0');
        for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
        return set_.vectors[longest_range(dim, bytes, 64)];
      }
      case TRIGON_LOOKUP_MASK:
      case TRIGON_LOOKUP_NOMASK: {
        trigon_vector out = set_.vectors[dim.dflt];
        for (uint32_t bit = 0; bit < 64; ++bit) {
          if (!(value & dim.mask & 1ULL << bit)) continue;
          const auto found = number(dim.dim, bit);
          for (size_t w = 0; found && w < TRIGON_VEC_WORDS; ++w) {
            const uint64_t word = set_.vectors[*found].word[w];
            out.word[w] = dim.lookup == TRIGON_LOOKUP_MASK ? out.word[w] | word : out.word[w] & ~word;
          }
        }
        return out;
      }
      case TRIGON_LOOKUP_EITHER: {
        const trigon_vector& a = set_.vectors[number(dim.dim, value).value_or(dim.dflt)];
        const uint32_t file = dim.source == TRIGON_SRC_PARENT ? parent_file_ : binary_file_;
        if (file == 0) return a;
        const trigon_vector& b = set_.vectors[number(dim.dim + 1, file).value_or(dim.dflt)];
        trigon_vector out{};
        for (size_t w = 0; w < TRIGON_VEC_WORDS; ++w) {
          const uint64_t any = a.word[w] | b.word[w];
          out.word[w] = (a.word[w] & b.word[w]) | (any & set_.vectors[dim.extra].word[w]);
        }
        return out;
      }
      default:
        ADD_FAILURE() << "look-up " << int{dim.lookup} << " of a number";
        return {};
    }
  }

  trigon_vector workload_vector(const trigon_dim& dim, const TestEvent& event) {
    EXPECT_EQ(dim.lookup, TRIGON_LOOKUP_EQ);
    std::vector<bool> matches;
    for (const WorkloadFilter& filter : set_.workload_filters) matches.push_back(belongs(filter, event));
    for (size_t i = 0; i < set_.workload_dims.size(); ++i) {
      if (set_.workload_dims[i].dim != dim.dim) continue;
      const uint32_t found = workloads_.number(i, matches).value();
      const size_t own = set_.vectors.size();
      return found < own ? set_.vectors[found] : workloads_.added()[found - own];
    }
    ADD_FAILURE() << "a workload dimension without an entry in workload_dims";
    return {};
  }

  trigon_vector look_up_text(const trigon_dim& dim, const std::string& text) const {
    if (dim.lookup == TRIGON_LOOKUP_SUBSTRING) return search(dim, text);
    const std::string reversed(text.rbegin(), text.rend());
    const uint32_t found = longest_prefix(dim.dim, dim.lookup == TRIGON_LOOKUP_PREFIX ? text : reversed);
    return set_.vectors[found == 0 ? dim.dflt : found];
  }

  trigon_vector search(const trigon_dim& dim, const std::string& text) const {
    trigon_vector out = set_.vectors[dim.dflt];
    uint64_t state = 0;
    for (size_t i = 0; i < text.size();) {
      auto byte = static_cast<uint8_t>(text[i]);
      if (dim.flip && byte >= 'A' && byte <= 'Z') byte = static_cast<uint8_t>(byte + 'a' - 'A');
      const auto next = number(dim.dim, state << 8 | byte);
      if (!next && state != 0) {
        state = number(dim.dim + 1, state).value_or(0);
        continue;
      }
      ++i;
      state = next.value_or(0);
      const auto content = state == 0 ? std::nullopt : number(dim.dim + 2, state);
      for (size_t w = 0; content && w < TRIGON_VEC_WORDS; ++w) out.word[w] |= set_.vectors[*content].word[w];
    }
    return out;
  }

  std::optional<uint32_t> number(uint32_t dim, uint64_t value) const {
    const auto found = numbers_.find({dim, 0, value});
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }

  // BPF_MAP_TYPE_LPM_TRIE over `bits` bits of the value.
  uint32_t longest_range(const trigon_dim& dim, const std::string& value, uint32_t bits = 128) const {
    const auto table = ranges_.find(dim.dim);
    if (table == ranges_.end()) return dim.dflt;
    for (auto it = table->second.rbegin(); it != table->second.rend(); ++it) {  // longest first
      const auto& [length, bytes] = it->first;
      if (length > bits) continue;
      const size_t whole = length / 8;
      bool same = bytes.compare(0, whole, value, 0, whole) == 0;
      if (same && length % 8 != 0) same = (static_cast<uint8_t>(bytes[whole] ^ value[whole]) >> (8 - length % 8)) == 0;
      if (same) return it->second;
    }
    return dim.dflt;
  }

  // 0: nothing found.
  uint32_t longest_prefix(uint32_t dim, std::string bytes) const {
    bytes += '\0';
    uint32_t best = 0;
    for (size_t at = 0;;) {
      const auto table = prefixes_.find(dim);
      const std::string piece = bytes.substr(at, TRIGON_TRIE_CHUNK);
      const trigon_prefix_value* found = nullptr;
      for (size_t length = piece.size(); table != prefixes_.end() && !found && length > 0; --length) {
        const auto entry = table->second.find(piece.substr(0, length));
        if (entry != table->second.end()) found = &entry->second;
      }
      if (!found) return best;
      if (found->result != 0) best = found->result;
      at += TRIGON_TRIE_CHUNK;
      if (found->next == 0 || at >= bytes.size()) return best;
      dim = found->next;
    }
  }

  struct NumberHash {
    size_t operator()(const std::tuple<uint32_t, uint32_t, uint64_t>& key) const {
      const auto& [dim, device, value] = key;
      return std::hash<uint64_t>()(value * 31 + dim * 1000003ULL + device);
    }
  };

  std::shared_ptr<const CompiledSet> shared_;
  const CompiledSet& set_;
  WorkloadVectors workloads_;
  std::unordered_map<std::tuple<uint32_t, uint32_t, uint64_t>, uint32_t, NumberHash> numbers_;  // dim, device, value
  std::map<uint32_t, std::map<std::pair<uint32_t, std::string>, uint32_t>> ranges_;             // by dim
  std::map<uint32_t, std::unordered_map<std::string, trigon_prefix_value>> prefixes_;           // by dim
  uint32_t binary_ = 0, binary_post_ = 0, binary_file_ = 0, parent_ = 0, parent_post_ = 0, parent_file_ = 0;
  uint64_t children_[TRIGON_MAX_CHILD_SETS / 64] = {};
};

}  // namespace trigon::policy
