#include "policy/tries.h"

#include <algorithm>

namespace trigon::policy {

PrefixEntries::PrefixEntries(std::vector<std::string> strings) {
  std::sort(strings.begin(), strings.end());
  strings.erase(std::unique(strings.begin(), strings.end()), strings.end());
  entries_.reserve(strings.size());
  bool is_long = false;
  for (std::string& string : strings) {
    is_long |= string.size() > TRIGON_TRIE_CHUNK;
    entries_.emplace_back().bytes = std::move(string);
  }
  if (is_long) add_leads();

  // In sorted order an entry's ancestors are on the path from the one before it.
  size_t open = kNone;
  const auto close_until = [&](const std::string* next, size_t at) {
    while (open != kNone && !(next && next->starts_with(entries_[open].bytes))) {
      entries_[open].end = at;
      open = entries_[open].parent;
    }
  };
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    close_until(&entry.bytes, i);
    entry.parent = open;
    if (entry.real && !entry.bytes.empty()) {
      entry.number = static_cast<uint32_t>(i + 1);
    } else if (open != kNone) {
      entry.number = entries_[open].number;
    }
    open = i;
  }
  close_until(nullptr, entries_.size());
}

void PrefixEntries::add_leads() {
  std::vector<Entry> leads;
  for (const Entry& entry : entries_) {
    for (size_t size = TRIGON_TRIE_CHUNK; size < entry.bytes.size(); size += TRIGON_TRIE_CHUNK) {
      Entry lead;
      lead.bytes = entry.bytes.substr(0, size);
      lead.real = false;
      lead.leads = true;
      if (leads.empty() || leads.back().bytes != lead.bytes) leads.push_back(std::move(lead));
    }
  }
  entries_.insert(entries_.end(), leads.begin(), leads.end());
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.bytes < b.bytes; });
  size_t kept = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (kept > 0 && entries_[kept - 1].bytes == entries_[i].bytes) {
      entries_[kept - 1].real |= entries_[i].real;
      entries_[kept - 1].leads |= entries_[i].leads;
    } else {
      if (kept != i) entries_[kept] = std::move(entries_[i]);
      ++kept;
    }
  }
  entries_.resize(kept);
}

size_t PrefixEntries::find(std::string_view bytes) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), bytes,
                                      [](const Entry& entry, std::string_view b) { return entry.bytes < b; });
  return found != entries_.end() && found->bytes == bytes ? static_cast<size_t>(found - entries_.begin()) : kNone;
}

std::string trie_bytes(Match match, std::string_view string) {
  std::string bytes(string);
  if (match == Match::kExact) bytes += '\0';
  if (is_reversed(match)) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

size_t cover_size(Interval interval) {
  size_t count = 0;
  cover(interval, [&](uint64_t, uint32_t) { ++count; });
  return count;
}

}  // namespace trigon::policy
