#include "symbols/mount_types.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace trigon::symbols {
namespace {

std::string_view take_word(std::string_view* text) {
  const size_t end = std::min(text->find(' '), text->size());
  const std::string_view word = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return word;
}

template <typename T>
bool parse_number(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

// Blanks and backslashes in mount points are \040 and the like.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr == text.data() + i + 4) {
      out += static_cast<char>(code);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

MountKind MountTypes::kind_of(std::string_view type) {
  constexpr std::array<std::string_view, 12> kNetwork = {"nfs", "nfs4", "cifs",   "smb3", "smbfs", "ceph",
                                                         "afs", "coda", "lustre", "gpfs", "ncpfs", "orangefs"};
  if (type == "fuse" || type == "fuseblk" || type.starts_with("fuse.")) return MountKind::kServed;
  if (std::find(kNetwork.begin(), kNetwork.end(), type) != kNetwork.end()) return MountKind::kServed;
  if (type == "overlay" || type == "ecryptfs" || type == "aufs") return MountKind::kStacked;
  return MountKind::kLocal;
}

MountTypes MountTypes::parse(std::string_view mountinfo) {
  MountTypes types;
  while (!mountinfo.empty()) {
    // "36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw"
    std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
    mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
    uint64_t id = 0;
    unsigned major = 0, minor = 0;
    if (!parse_number(take_word(&line), &id)) continue;
    take_word(&line);
    const std::string_view device = take_word(&line);
    const size_t colon = device.find(':');
    if (colon == std::string_view::npos || !parse_number(device.substr(0, colon), &major) ||
        !parse_number(device.substr(colon + 1), &minor))
      continue;
    take_word(&line);
    const std::string point = unescape(take_word(&line));
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    line.remove_prefix(dash + 3);
    const MountKind kind = kind_of(take_word(&line));
    types.mounts_[id] = kind;
    types.devices_[makedev(major, minor)] = kind;
    // Something mounted over it is what one meets, but a lookup may still pass what is below: the worse counts.
    MountKind& at_point = types.points_[point];
    if (at_point != MountKind::kServed) at_point = kind;
  }
  return types;
}

MountKind MountTypes::of_mount(uint64_t mount_id) const {
  const auto found = mounts_.find(mount_id);
  return found == mounts_.end() ? MountKind::kUnknown : found->second;
}

MountKind MountTypes::of_device(dev_t device) const {
  const auto found = devices_.find(device);
  return found == devices_.end() ? MountKind::kUnknown : found->second;
}

bool MountTypes::crosses_served(std::string_view path) const {
  return std::any_of(points_.begin(), points_.end(), [&](const auto& entry) {
    const std::string& point = entry.first;
    if (entry.second != MountKind::kServed || !path.starts_with(point)) return false;
    return point == "/" || path.size() == point.size() || path[point.size()] == '/';
  });
}

}  // namespace trigon::symbols
