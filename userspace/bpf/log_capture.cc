#include "bpf/log_capture.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace trigon::bpf {

namespace {

constexpr size_t kKeptOfMessage = 4096;
constexpr size_t kKept = 32 << 10;
constexpr size_t kShown = 400;

thread_local std::string* g_log = nullptr;

int collect_log(enum libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG || g_log == nullptr) return 0;
  va_list again;
  va_copy(again, args);
  const int n = vsnprintf(nullptr, 0, format, args);
  if (n > 0) {
    std::vector<char> text(static_cast<size_t>(n) + 1);
    vsnprintf(text.data(), text.size(), format, again);
    const size_t keep = std::min<size_t>(static_cast<size_t>(n), kKeptOfMessage);
    g_log->append(text.data() + n - keep, keep);
    if (g_log->size() > kKept) g_log->erase(0, g_log->size() - kKept);
  }
  va_end(again);
  return n;
}

// What the verifier refused stands in the line before its summary; the rest is for whoever has the programs before him
// (TRIGON_BPF_LOG=1 shows it).
std::string last_words(const std::string& log) {
  if (log.empty()) return {};
  if (std::getenv("TRIGON_BPF_LOG") != nullptr) return "\n" + log;
  const size_t summary = log.rfind("\nprocessed ");
  std::string text = summary == std::string::npos ? log : log.substr(0, summary);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (const size_t line = text.rfind('\n'); line != std::string::npos) text.erase(0, line + 1);
  if (text.size() > kShown) text.resize(kShown);
  return " (" + text + ")";
}

}  // namespace

LogCapture::LogCapture() : outer_(g_log) {
  g_log = &text_;
  libbpf_set_print(collect_log);
}
LogCapture::~LogCapture() { g_log = outer_; }

Error load_error(int err, const std::string& what, const std::string& log) {
  // E-codes of bpf(2) itself; the verifier's refusals (EACCES, EINVAL) come with a log.
  if (err == EPERM || (err == EACCES && log.find("processed") == std::string::npos))
    return Error(
        ErrorCode::kPermission,
        fmt::format("{}: the kernel refuses to load BPF programs of this kind: run as root, or with CAP_BPF and "
                    "CAP_PERFMON, outside of a container that filters bpf(2); `trigon doctor` tells what it refuses",
                    what));
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return Error(ErrorCode::kUnsupported,
                 "this kernel has no type information at /sys/kernel/btf/vmlinux: it was built without "
                 "CONFIG_DEBUG_INFO_BTF");
  return Error(ErrorCode::kUnsupported, fmt::format("{}: {}{}", what, std::strerror(err), last_words(log)));
}

}  // namespace trigon::bpf
