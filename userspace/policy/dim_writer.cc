#include "policy/dim_writer.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "policy/automaton.h"
#include "policy/types.h"

namespace trigon::policy {
namespace {

// Whether the first `bits` of both are the same.
bool same_bits(const Network& a, const Network& b, uint8_t bits) {
  const size_t bytes = bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), bytes) != 0) return false;
  return bits % 8 == 0 || (a.bytes[bytes] ^ b.bytes[bytes]) >> (8 - bits % 8) == 0;
}

void clear_host_bits(Network& network) {
  for (size_t bit = network.bits; bit < 128; ++bit) {
    network.bytes[bit / 8] = static_cast<uint8_t>(network.bytes[bit / 8] & ~(0x80 >> (bit % 8)));
  }
}

class Writer {
 public:
  Writer(const DimKey& key, const SelectorBits& all, Dim& dim, Tables& tables, trigon_dim& out)
      : all_(all), dim_(dim), tables_(tables), out_(out) {
    out_ = {};
    out_.source = key.source;
    out_.field = key.field;
    out_.field2 = key.field2;
    out_.part = key.part;
    out_.lookup = key.lookup;
    out_.flip = key.flip;
    out_.unreadable = out_.dflt = tables.vector(dim.filters.accepting());
    if (key.source == TRIGON_SRC_FIELD) out_.extra = tables.vector(dim.filters.indifferent());
  }

  void numbers() {
    out_.dim = tables_.new_dim();
    write_numbers(dim_.numbers, out_.dim);
  }

  // Bit by bit. MASK: whoever looks at it, and those who look at none are in the default. NOMASK: whoever must not see
  // it.
  void mask(bool negated) {
    out_.dim = tables_.new_dim();
    for (const auto& [mask, filter] : dim_.masks) out_.mask |= mask;
    for (uint32_t bit = 0; bit < 64; ++bit) {
      if (!(out_.mask >> bit & 1)) continue;
      SelectorBits found;
      for (const auto& [mask, filter] : dim_.masks) {
        if (mask >> bit & 1) found.set(dim_.filters.selector(filter), true);
      }
      if (!negated) found.add(dim_.filters.accepting());
      tables_.number(out_.dim, bit, tables_.vector(found));
    }
  }

  void ranges() {
    out_.dim = tables_.new_dim();
    const Interval domain{ordered(smallest(dim_.is_signed, dim_.bits), dim_.is_signed),
                          ordered(largest(dim_.is_signed, dim_.bits), dim_.is_signed)};
    const std::vector<Run> runs = find_runs(domain);
    // The default is the answer that would need most entries.
    std::unordered_map<uint32_t, size_t> cost;
    size_t most = 0;
    for (const Run& run : runs) {
      const size_t now = cost[run.result] += cover_size(run.interval);
      if (now <= most) continue;
      most = now;
      out_.dflt = run.result;
    }
    for (const Run& run : runs) {
      if (run.result == out_.dflt) continue;
      cover(run.interval, [&](uint64_t value, uint32_t bits) { tables_.range(out_.dim, value, bits, run.result); });
    }
  }

  // Networks lie inside one another or apart.
  void networks() {
    out_.dim = tables_.new_dim();
    auto& list = dim_.networks;
    for (auto& [network, filter] : list) clear_host_bits(network);
    std::sort(list.begin(), list.end(), [](auto& a, auto& b) {
      return std::tie(a.first.bytes, a.first.bits) < std::tie(b.first.bytes, b.first.bits);
    });
    struct Open {
      Network network;
      size_t first, last;
      uint32_t result;
    };
    std::vector<Open> open;
    for (size_t i = 0; i < list.size();) {
      const Network& network = list[i].first;
      while (!open.empty() && !same_bits(open.back().network, network, open.back().network.bits)) {
        for (size_t h = open.back().first; h < open.back().last; ++h) dim_.filters.release(list[h].second);
        open.pop_back();
      }
      const size_t first = i;
      for (; i < list.size() && list[i].first.bits == network.bits && list[i].first.bytes == network.bytes; ++i) {
        dim_.filters.hit(list[i].second);
      }
      const uint32_t result = tables_.vector(dim_.filters.accepting());
      const uint32_t above = open.empty() ? out_.dflt : open.back().result;
      if (network.bits == 0) {
        out_.dflt = result;
      } else if (result != above) {
        tables_.network(out_.dim, network.bytes, network.bits, result);
      }
      open.push_back({network, first, i, result});
    }
  }

  void strings() {
    out_.dim = tables_.new_dim();
    std::vector<std::string> all;
    all.reserve(dim_.strings.size());
    for (const auto& [bytes, filter] : dim_.strings) all.push_back(bytes);
    const PrefixEntries entries(std::move(all));
    EntryHits hits;
    hits.reserve(dim_.strings.size());
    for (const auto& [bytes, filter] : dim_.strings) hits.emplace_back(entries.find(bytes), filter);
    TrieTable table(tables_, out_.dim);
    std::vector<uint32_t> results(entries.size(), 0);
    walk(entries, hits, dim_.filters, tables_, Visit::kAll, [&](size_t i, uint32_t result) {
      results[i] = result;
      const size_t parent = entries.parent(i);
      if (entries.at(i).empty()) {  // found when nothing longer is
        out_.dflt = result;
        return;
      }
      // Where a shorter entry already gives the answer, the longer one is not needed.
      const bool at_root = parent == PrefixEntries::kNone || entries.at(parent).empty();
      const bool same = result == (at_root ? out_.dflt : results[parent]);
      if (same && !entries.leads(i)) return;
      if (same && at_root) return table.add(entries.at(i), 0, true);
      table.add(entries.at(i), result == 0 ? tables_.nobody_in_tries() : result, entries.leads(i));
    });
  }

  void substrings() {
    out_.dim = tables_.new_dim(3);
    Automaton automaton;
    std::vector<std::pair<Automaton::State, FilterId>> seen;
    for (const auto& [text, filter] : dim_.strings) seen.emplace_back(automaton.add(text), filter);
    automaton.finish();
    std::sort(seen.begin(), seen.end());
    for (const auto& [from, byte, to] : automaton.steps()) {
      tables_.number(out_.dim, uint64_t{from} << 8 | byte, to);
    }
    std::vector<uint32_t> results(automaton.states(), 0);  // vectors of who is content
    for (const Automaton::State state : automaton.by_length()) {
      const Automaton::State back = automaton.fallback(state);
      auto own = std::lower_bound(seen.begin(), seen.end(), std::pair<Automaton::State, FilterId>(state, 0));
      results[state] = results[back];
      if (own != seen.end() && own->first == state) {
        SelectorBits bits(tables_.vector_at(results[back]));
        for (; own != seen.end() && own->first == state; ++own) {
          bits.set(dim_.filters.selector(own->second), true);
        }
        if (state == 0) {  // the empty string is in every value
          bits.add(dim_.filters.accepting());
          out_.dflt = tables_.vector(bits);
          continue;
        }
        results[state] = tables_.vector(bits);
      }
      if (back != 0) tables_.number(out_.dim + 1, state, back);
      if (results[state] != 0) tables_.number(out_.dim + 2, state, results[state]);
    }
  }

  // EQ over class numbers; EITHER when some filter knows its binary by the file.
  void classes(const PrefixEntries& entries) {
    const bool either = out_.lookup == TRIGON_LOOKUP_EITHER && !dim_.files.empty();
    out_.lookup = either ? TRIGON_LOOKUP_EITHER : TRIGON_LOOKUP_EQ;
    out_.dim = tables_.new_dim(either ? 2 : 1);
    walk(entries, dim_.classes, dim_.filters, tables_, Visit::kNamed, [&](size_t i, uint32_t result) {
      if (entries.at(i).empty()) {  // no class means: longer than the empty prefix is not known
        out_.dflt = result;
      } else if (result != out_.dflt && entries.class_of(i) == i + 1) {
        tables_.number(out_.dim, i + 1, result);
      }
    });
    if (!either) return;
    out_.extra = tables_.vector(dim_.filters.positive());
    write_numbers(dim_.files, out_.dim + 1);
  }

  void workloads() {
    out_.dim = tables_.new_dim();
    WorkloadDim& entry = tables_.out().workload_dims.emplace_back();
    entry.dim = out_.dim;
    entry.all = all_.raw();
    std::sort(dim_.workloads.begin(), dim_.workloads.end());
    for (size_t i = 0; i < dim_.workloads.size();) {
      const uint32_t filter = dim_.workloads[i].first;
      SelectorBits bits;
      for (; i < dim_.workloads.size() && dim_.workloads[i].first == filter; ++i) {
        bits.set(dim_.filters.selector(dim_.workloads[i].second), true);
      }
      entry.asking.emplace_back(filter, bits.raw());
    }
  }

 private:
  // Values that the same selectors accept.
  struct Run {
    Interval interval;
    uint32_t result;
  };

  void write_numbers(std::vector<std::pair<uint64_t, FilterId>>& numbers, uint32_t to) {
    std::sort(numbers.begin(), numbers.end());
    for (size_t i = 0; i < numbers.size();) {
      const size_t first = i;
      const uint64_t value = numbers[i].first;
      for (; i < numbers.size() && numbers[i].first == value; ++i) dim_.filters.hit(numbers[i].second);
      const uint32_t result = tables_.vector(dim_.filters.accepting());
      if (result != out_.dflt) tables_.number(to, value, result);
      for (size_t h = first; h < i; ++h) dim_.filters.release(numbers[h].second);
    }
  }

  std::vector<Run> find_runs(Interval domain) {
    struct Edge {
      uint64_t at;
      bool begins;
      FilterId filter;
    };
    std::vector<Edge> edges;
    for (const auto& [interval, filter] : dim_.ranges) {
      if (interval.high < domain.low || interval.low > domain.high) continue;
      edges.push_back({std::max(interval.low, domain.low), true, filter});
      if (interval.high < domain.high) edges.push_back({interval.high + 1, false, filter});
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
    std::vector<Run> runs;
    size_t next = 0;
    for (uint64_t low = domain.low;;) {
      for (; next < edges.size() && edges[next].at == low; ++next) {
        // Whatever ends here began before: hits do not go below 0, in whatever order the edges of a value come.
        if (edges[next].begins) {
          dim_.filters.hit(edges[next].filter);
        } else {
          dim_.filters.release(edges[next].filter);
        }
      }
      const bool last = next == edges.size();
      const uint64_t high = last ? domain.high : edges[next].at - 1;
      const uint32_t result = tables_.vector(dim_.filters.accepting());
      if (!runs.empty() && runs.back().result == result) {
        runs.back().interval.high = high;
      } else {
        runs.push_back({{low, high}, result});
      }
      if (last) return runs;
      low = edges[next].at;
    }
  }

  const SelectorBits& all_;
  Dim& dim_;
  Tables& tables_;
  trigon_dim& out_;
};

}  // namespace

namespace {

void write(const DimKey& key, const SelectorBits& all, Dim& dim, const PathClasses& classes, Tables& tables,
           trigon_dim& out) {
  Writer writer(key, all, dim, tables, out);
  if (key.source == TRIGON_SRC_WORKLOAD) return writer.workloads();
  const bool post = key.source == TRIGON_SRC_BINARY_POST || key.source == TRIGON_SRC_PARENT_POST;
  const bool of_field = key.source == TRIGON_SRC_FIELD;
  if (post || (of_field && key.part == TRIGON_PART_PATH_CLASS_POST)) return writer.classes(classes.postfixes());
  const bool of_path = key.source == TRIGON_SRC_BINARY || key.source == TRIGON_SRC_PARENT;
  if (of_path || (of_field && key.part == TRIGON_PART_PATH_CLASS)) return writer.classes(classes.paths());
  switch (key.lookup) {
    case TRIGON_LOOKUP_EQ:
      return writer.numbers();
    case TRIGON_LOOKUP_RANGE:
      return dim.networks.empty() ? writer.ranges() : writer.networks();
    case TRIGON_LOOKUP_MASK:
    case TRIGON_LOOKUP_NOMASK:
      return writer.mask(key.lookup == TRIGON_LOOKUP_NOMASK);
    case TRIGON_LOOKUP_SUBSTRING:
      return writer.substrings();
    default:
      return writer.strings();
  }
}

}  // namespace

void write_dim(const DimKey& key, const SelectorBits& all, Dim& dim, const PathClasses& classes, Tables& tables,
               trigon_dim& out) {
  const size_t before = tables.numbers().size();
  write(key, all, dim, classes, tables, out);
  if (out.lookup != TRIGON_LOOKUP_EQ) return;
  // What has no entry is mostly told by this. Those of control groups come later.
  if (key.source == TRIGON_SRC_WORKLOAD) out.mask = ~0ULL;
  for (size_t i = before; i < tables.numbers().size(); ++i) {
    const trigon_number_key& number = tables.numbers()[i].first;
    if (number.dim == out.dim) out.mask |= 1ULL << (number.value & 63);
  }
}

}  // namespace trigon::policy
