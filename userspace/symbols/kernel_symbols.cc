#include "symbols/kernel_symbols.h"

#include <fcntl.h>
#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

namespace trigon::symbols {
namespace {

// Room taken at once, so that arrays do not grow by copying; pages that are not used cost nothing.
constexpr size_t kExpectedSymbols = size_t{1} << 18;
constexpr size_t kExpectedText = size_t{8} << 20;
// 20 times a distribution's kernel with all modules.
constexpr size_t kMaxSymbols = size_t{1} << 22;

struct Line {
  uint64_t address = 0;
  char type = 0;
  std::string_view name;
  std::string_view module;
};

// "ffffffff81000000 T name\t[module]"
bool parse(std::string_view text, Line* line) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line->address, 16);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.size() < 4 || text[0] != ' ' || text[2] != ' ') return false;
  line->type = text[1];
  text.remove_prefix(3);
  const size_t tab = text.find('\t');
  line->name = text.substr(0, tab);
  line->module = {};
  if (tab == std::string_view::npos) return true;
  text.remove_prefix(tab + 1);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') line->module = text.substr(1, text.size() - 2);
  return true;
}

bool is_function(char type) { return type == 't' || type == 'T' || type == 'w' || type == 'W'; }

// Each line of the file from its beginning. False with errno when it cannot be read.
bool for_each_line(int fd, const std::function<void(std::string_view)>& each) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return false;
  std::vector<char> buffer(size_t{64} * 1024);
  size_t held = 0;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data() + held, buffer.size() - held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return true;
    held += static_cast<size_t>(n);
    std::string_view text(buffer.data(), held);
    for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      each(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    held = text.size() == buffer.size() ? 0 : text.size();  // a line longer than the buffer is no line of this file
    std::memmove(buffer.data(), text.data(), held);
  }
}

void sort_unique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

}  // namespace

KernelSymbols::KernelSymbols() : KernelSymbols(Limits()) {}

KernelSymbols::KernelSymbols(Limits limits, const std::string& path)
    : limits_(limits), path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (!fd_) why_ = Error::from_errno("open " + path).message();
}

void KernelSymbols::clear() {
  // clear() and `= {}` would keep the memory.
  const auto release = [](auto* vector) { std::remove_pointer_t<decltype(vector)>().swap(*vector); };
  release(&addresses_);
  release(&names_);
  release(&modules_);
  release(&text_);
  release(&module_names_);
}

bool KernelSymbols::load() {
  clear();
  loaded_ = Clock::now();
  if (!fd_) return false;
  addresses_.reserve(kExpectedSymbols);
  names_.reserve(kExpectedSymbols);
  modules_.reserve(kExpectedSymbols);
  text_.reserve(kExpectedText);
  module_names_.emplace_back();
  text_begin_ = text_end_ = 0;
  bool sorted = true, any_address = false;
  const bool is_read = for_each_line(fd_.get(), [&](std::string_view text) {
    Line line;
    if (!parse(text, &line) || !is_function(line.type) || addresses_.size() >= kMaxSymbols) return;
    if (line.module.empty() && line.name == "_stext") text_begin_ = line.address;
    if (line.module.empty() && line.name == "_etext") text_end_ = line.address;
    if (text_.size() + line.name.size() >= std::numeric_limits<uint32_t>::max()) return;
    // The symbols of a module are together.
    if (!line.module.empty() && line.module != module_names_.back() &&
        module_names_.size() < std::numeric_limits<uint16_t>::max())
      module_names_.emplace_back(line.module);
    any_address |= line.address != 0;
    sorted &= addresses_.empty() || addresses_.back() <= line.address;
    addresses_.push_back(line.address);
    names_.push_back(static_cast<uint32_t>(text_.size()));
    modules_.push_back(line.module.empty() ? 0 : static_cast<uint16_t>(module_names_.size() - 1));
    text_.insert(text_.end(), line.name.begin(), line.name.end());
    text_.push_back('\0');
  });
  if (!is_read || addresses_.empty() || !any_address) {
    if (!is_read)
      why_ = Error::from_errno("read " + path_).message();
    else
      why_ = path_ + ": shows no addresses of kernel functions: that takes CAP_SYSLOG and kernel.kptr_restrict below 2";
    clear();
    return false;
  }
  why_.clear();
  if (!sorted) {  // modules follow the kernel in the order of loading
    std::vector<uint32_t> order(addresses_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return addresses_[a] < addresses_[b]; });
    const auto permute = [&](auto* values) {
      const auto old = std::exchange(*values, {});
      values->reserve(old.size());
      for (const uint32_t i : order) values->push_back(old[i]);
    };
    permute(&addresses_);
    permute(&names_);
    permute(&modules_);
  }
  return true;
}

bool KernelSymbols::ensure(bool is_module_address) {
  used_ = Clock::now();
  const bool never = loaded_ == Clock::time_point();
  if (addresses_.empty()) {
    // After a failure not at each question.
    if (!never && used_ - loaded_ < limits_.refresh_modules && !why_.empty()) return false;
    return load();
  }
  if (is_module_address && used_ - loaded_ >= limits_.refresh_modules) return load();
  return true;
}

std::optional<KernelSymbols::Symbol> KernelSymbols::find(uint64_t address) {
  if (!ensure()) return std::nullopt;
  const bool is_proper = address >= text_begin_ && address < text_end_;
  if (!is_proper && !ensure(true)) return std::nullopt;
  const auto after = std::upper_bound(addresses_.begin(), addresses_.end(), address);
  if (after == addresses_.begin()) return std::nullopt;
  const uint64_t start = *std::prev(after);
  const uint64_t offset = address - start;
  if (offset >= limits_.max_function || start == 0) return std::nullopt;
  // Of several names for one place the first, as the kernel's own stack traces do.
  const auto index =
      static_cast<size_t>(std::lower_bound(addresses_.begin(), addresses_.end(), start) - addresses_.begin());
  return Symbol{std::string_view(text_.data() + names_[index]), module_names_[modules_[index]], offset};
}

std::optional<uint64_t> KernelSymbols::address_of(std::string_view name) {
  if (!ensure()) return std::nullopt;
  for (size_t i = 0; i < names_.size(); ++i)
    if (name == std::string_view(text_.data() + names_[i])) return addresses_[i];
  return std::nullopt;
}

Result<std::vector<std::string>> KernelSymbols::functions(const sys::Tracefs* tracefs) {
  std::vector<std::string> names;
  if (tracefs != nullptr) {
    if (const auto text = tracefs->read("available_filter_functions"); text.ok() && !text->empty()) {
      std::string_view rest(*text);
      while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        line = line.substr(0, line.find_first_of(" \t"));  // "name [module]"
        // Places of functions that were thrown away when the kernel was linked.
        if (!line.empty() && !line.starts_with("__ftrace_invalid_address__")) names.emplace_back(line);
      }
      sort_unique(&names);
      return names;
    }
  }
  // Without addresses the names are still there, so not by way of the table.
  if (!fd_) return Error(why_);
  const bool is_read = for_each_line(fd_.get(), [&](std::string_view text) {
    Line line;
    if (!parse(text, &line) || !is_function(line.type) || line.module == "bpf" || names.size() >= kMaxSymbols) return;
    // The padding before functions has names of its own (CONFIG_CALL_PADDING, CONFIG_CFI_CLANG).
    if (line.name.starts_with("__pfx_") || line.name.starts_with("__cfi_")) return;
    names.emplace_back(line.name);
  });
  if (!is_read) return Error::from_errno("read " + path_);
  if (names.empty()) return Error(path_ + ": names no functions");
  sort_unique(&names);
  return names;
}

void KernelSymbols::tidy(Clock::time_point now) {
  if (addresses_.empty() || now - used_ < limits_.keep_unused) return;
  clear();
  ::malloc_trim(0);  // blocks of this size may lie in the middle of the heap
}

size_t KernelSymbols::bytes() const {
  return addresses_.size() * sizeof(addresses_[0]) + names_.size() * sizeof(names_[0]) +
         modules_.size() * sizeof(modules_[0]) + text_.size();
}

}  // namespace trigon::symbols
