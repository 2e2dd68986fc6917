#include "symbols/user_symbols.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>

namespace trigon::symbols {
namespace {

constexpr std::string_view kVdso = "[vdso]";
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint32_t kRoot = 0;
// Answers with longer paths are found anew each time, so that remembering is bounded to less than 1 MiB.
constexpr size_t kMaxRemembered = 256;

size_t memory_of(const SymbolTable& table, const std::vector<Segment>& segments) {
  return table.bytes() + segments.capacity() * sizeof(Segment) + 512;  // the object itself and its places in the lists
}

std::string_view without_deleted(std::string_view path) {
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

}  // namespace

const UserFrame& UserSymbols::find(uint32_t pid, uint64_t start_ns, uint64_t address) {
  const Clock::time_point now = Clock::now();
  frame_ = {};
  Process* process = this->process(pid, start_ns, now);
  if (process == nullptr) return frame_;
  const Place* place = place_of(*process, address);
  if (now - process->read >= (place != nullptr ? Clock::duration(limits_.fresh) : Clock::duration(limits_.retry))) {
    read_maps(process, now);
    place = place_of(*process, address);
  }
  if (place == nullptr) return frame_;
  Answer& answer = answer_at(process->generation, address);
  if (answer.generation == process->generation && answer.address == address) return answer.frame;
  resolve(process, *place, address, now);
  // What just-in-time compilers make changes without a new mapping.
  const Module& module = process->modules[place->module];
  if ((module.inode != 0 || module.path == kVdso) && frame_.module.size() <= kMaxRemembered)
    answer = {process->generation, address, frame_};
  return frame_;
}

UserSymbols::Answer& UserSymbols::answer_at(uint64_t generation, uint64_t address) {
  if (answers_.empty()) answers_.resize(kAnswers);
  // Fibonacci hashing: the upper bits of a product with 2^64 / phi are well mixed.
  constexpr uint64_t kPhi = 0x9e3779b97f4a7c15;
  return answers_[((address ^ generation << 32) * kPhi >> 32) % kAnswers];
}

void UserSymbols::resolve(Process* process, const Place& place, uint64_t address, Clock::time_point now) {
  const Module& module = process->modules[place.module];
  frame_.module = module.path;
  // Memory without a file has no beginning that would mean anything to a reader.
  frame_.offset = module.path.empty() ? 0 : address - place.start + place.offset;
  if (module.path == kVdso) {
    const SymbolTable& table = vdso();
    // A 32-bit process has another vdso.
    if (place.end - place.start != vdso_size_) return;
    const auto at = address_of(vdso_segments_, frame_.offset);
    const auto function = at ? table.find(*at) : std::nullopt;
    if (!function) return;
    frame_.symbol = function->name;
    frame_.symbol_offset = *at - function->start;
    return;
  }
  if (module.inode == 0) return from_perf_map(process, address, now);
  const auto file = file_of(process, place);
  if (file == nullptr) return;
  const auto at = address_of(file->segments, frame_.offset);
  if (const auto function = at ? file->table.find(*at) : std::nullopt) {
    frame_.symbol = function->name;
    frame_.symbol_offset = *at - function->start;
  }
}

UserSymbols::Process* UserSymbols::process(uint32_t pid, uint64_t start_ns, Clock::time_point now) {
  if (const auto found = by_pid_.find(pid); found != by_pid_.end()) {
    const auto position = found->second;
    if (position->start_ns == start_ns) {
      processes_.splice(processes_.begin(), processes_, position);
      position->used = now;
      return &*position;
    }
    drop_process(position);
  }
  while (processes_.size() >= std::max<size_t>(1, limits_.processes)) drop_process(std::prev(processes_.end()));
  Process& process = processes_.emplace_front();
  process.pid = pid;
  process.start_ns = start_ns;
  process.used = now;
  by_pid_[pid] = processes_.begin();
  read_maps(&process, now);
  return &process;
}

void UserSymbols::read_maps(Process* process, Clock::time_point now) {
  process->read = now;
  auto files = ProcessFiles::open(procfs_, process->pid, process->start_ns);
  if (!files.ok()) return;  // it has exited: what is known of it stays true
  auto mappings = files->maps(limits_.mappings);
  // A process that is exiting has no memory any more, but still a stack in an event on the way.
  if (!mappings.ok() || mappings->empty()) return;
  std::vector<Module> modules;
  std::vector<Place> places;
  for (Mapping& mapping : *mappings) {
    const Module module{std::move(mapping.path), mapping.device, mapping.inode, false, {}};
    // Mappings of one file are next to each other.
    if (modules.empty() || !modules.back().is_same(module)) {
      const auto known = std::find_if(process->modules.begin(), process->modules.end(),
                                      [&](const Module& other) { return other.is_same(module); });
      modules.push_back(known != process->modules.end() ? *known : module);
    }
    places.push_back({mapping.start, mapping.end, mapping.offset, static_cast<uint32_t>(modules.size() - 1)});
  }
  // /proc sorts by address, except that [vsyscall] comes from elsewhere.
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.start < b.start; });
  const bool is_unchanged = places == process->places &&
                            std::equal(modules.begin(), modules.end(), process->modules.begin(), process->modules.end(),
                                       [](const Module& a, const Module& b) { return a.is_same(b); });
  if (!is_unchanged) process->generation = ++generations_;
  process->modules = std::move(modules);
  process->places = std::move(places);
}

const UserSymbols::Place* UserSymbols::place_of(const Process& process, uint64_t address) const {
  const auto after = std::upper_bound(process.places.begin(), process.places.end(), address,
                                      [](uint64_t wanted, const Place& place) { return wanted < place.start; });
  if (after == process.places.begin()) return nullptr;
  const Place& place = *std::prev(after);
  return address < place.end ? &place : nullptr;
}

std::shared_ptr<const UserSymbols::File> UserSymbols::file_of(Process* process, const Place& place) {
  Module& module = process->modules[place.module];
  if (auto file = module.file.lock()) {
    if (const auto known = by_key_.find(file->key); known != by_key_.end()) {
      (*known->second)->used = process->used;
      files_.splice(files_.begin(), files_, known->second);
    }
    return file;
  }
  if (module.failed) return nullptr;
  module.failed = true;  // until it is there
  auto files = ProcessFiles::open(procfs_, process->pid, process->start_ns);
  if (!files.ok()) return nullptr;
  Mapping mapping;
  mapping.start = place.start;
  mapping.end = place.end;
  mapping.inode = module.inode;
  mapping.path = without_deleted(module.path);
  auto bytes = files->open_mapping(mapping);
  if (!bytes.ok()) return nullptr;
  struct stat status {};
  if (::fstat(bytes->fd(), &status) != 0) return nullptr;
  const FileKey key{
      status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
      static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(status.st_mtim.tv_nsec)};
  std::shared_ptr<File> file;
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    files_.splice(files_.begin(), files_, known->second);
    file = *known->second;
  } else {
    file = std::make_shared<File>();
    file->key = key;
    auto elf = ElfFile::parse(std::make_shared<FileBytes>(*std::move(bytes)), module.path);
    if (elf.ok()) {
      file->table = SymbolTable::of(*elf);
      file->segments = elf->segments();
    }
    file->memory = memory_of(file->table, file->segments);
    memory_ += file->memory;
    files_.push_front(file);
    by_key_[key] = files_.begin();
  }
  file->used = process->used;
  module.file = file;
  module.failed = false;
  make_room();
  return file;
}

const SymbolTable& UserSymbols::vdso() {
  if (vdso_tried_) return vdso_;
  vdso_tried_ = true;
  // The kernel maps the same pages into all 64-bit processes, so ours are read.
  const uint64_t start = ::getauxval(AT_SYSINFO_EHDR);
  auto self = ProcessFiles::open("/proc", static_cast<uint32_t>(::getpid()), 0);
  if (start == 0 || !self.ok()) return vdso_;
  const auto mappings = self->maps(std::numeric_limits<size_t>::max());
  if (!mappings.ok()) return vdso_;
  for (const Mapping& mapping : *mappings) {
    if (mapping.path != kVdso || mapping.start != start) continue;
    vdso_size_ = mapping.end - mapping.start;
    const std::span<const uint8_t> memory(reinterpret_cast<const uint8_t*>(start), vdso_size_);
    const auto elf = ElfFile::parse(std::make_shared<MemoryBytes>(memory), std::string(kVdso));
    if (!elf.ok()) break;
    vdso_ = SymbolTable::of(*elf);
    vdso_segments_ = elf->segments();
  }
  return vdso_;
}

void UserSymbols::from_perf_map(Process* process, uint64_t address, Clock::time_point now) {
  auto name = process->perf_map.find(address);
  const bool is_due = process->perf_read == Clock::time_point() || now - process->perf_read >= limits_.fresh;
  if (!name && is_due) {
    process->perf_read = now;
    auto files = ProcessFiles::open(procfs_, process->pid, process->start_ns);
    if (!files.ok()) return;
    uint32_t owner = 0;
    auto bytes = files->open_path(fmt::format("/tmp/perf-{}.map", files->namespace_pid()), &owner);
    // In a directory that everybody can write to, so somebody else may have put it there.
    if (!bytes.ok() || (owner != kRoot && files->user() != owner)) return;
    if (bytes->size() == process->perf_size) return;
    process->perf_size = bytes->size();
    memory_ -= process->perf_map.bytes();
    process->perf_map = PerfMap::parse(*bytes);
    memory_ += process->perf_map.bytes();
    make_room();
    name = process->perf_map.find(address);
  }
  if (name) frame_.symbol = *name;
}

void UserSymbols::make_room() {
  // Not the one that was asked for last.
  while (files_.size() > 1 && (files_.size() > limits_.files || memory_ > limits_.memory)) {
    memory_ -= files_.back()->memory;
    by_key_.erase(files_.back()->key);
    files_.pop_back();
  }
  while (processes_.size() > 1 && memory_ > limits_.memory) drop_process(std::prev(processes_.end()));
}

void UserSymbols::drop_process(std::list<Process>::iterator position) {
  memory_ -= position->perf_map.bytes();
  by_pid_.erase(position->pid);
  processes_.erase(position);
}

void UserSymbols::forget(uint32_t pid) {
  if (const auto found = by_pid_.find(pid); found != by_pid_.end()) drop_process(found->second);
}

void UserSymbols::tidy(Clock::time_point now) {
  while (!files_.empty() && now - files_.back()->used >= limits_.keep_unused) {
    memory_ -= files_.back()->memory;
    by_key_.erase(files_.back()->key);
    files_.pop_back();
  }
  while (!processes_.empty() && now - processes_.back().used >= limits_.keep_unused)
    drop_process(std::prev(processes_.end()));
  if (processes_.empty()) std::vector<Answer>().swap(answers_);
}

}  // namespace trigon::symbols
