#include "bench.h"

#include <bpf/libbpf.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "empty.skel.h"
#include "machine.h"

namespace trigon::bench {

void result(const std::string& name, double value, const std::string& unit) {
  std::printf("result %s %.6g %s\n", name.c_str(), value, unit.c_str());
  std::fflush(stdout);
}

void note(const std::string& text) {
  std::printf("note %s\n", text.c_str());
  std::fflush(stdout);
}

void failure(const std::string& text) {
  std::printf("failure %s\n", text.c_str());
  std::fflush(stdout);
  std::exit(1);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median_difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) differences.push_back(a[i] - b[i]);
  return median(differences);
}

uint64_t cpu_ns(pid_t pid) {
  clockid_t clock;
  timespec t{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &t) != 0) return 0;
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t rss_kib(pid_t pid) {
  const std::string status = host::read_file("/proc/" + std::to_string(pid) + "/status");
  const size_t at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + 6, nullptr, 10);
}

uint64_t map_bytes(pid_t pid) {
  std::map<unsigned long, uint64_t> maps;  // several descriptors may be of one map
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fdinfo")) {
    const std::string text = host::read_file(entry.path());
    const size_t id = text.find("map_id:"), bytes = text.find("memlock:");
    if (text.find("map_type:") == std::string::npos || id == std::string::npos || bytes == std::string::npos) continue;
    maps[std::strtoul(text.c_str() + id + 7, nullptr, 10)] = std::strtoull(text.c_str() + bytes + 8, nullptr, 10);
  }
  uint64_t sum = 0;
  for (const auto& [id, bytes] : maps) sum += bytes;
  return sum;
}

struct EmptyPrograms::Impl {
  trigon_empty* skel = nullptr;
};

EmptyPrograms::EmptyPrograms(const char* name) : impl_(std::make_unique<Impl>()) {
  impl_->skel = trigon_empty__open();
  if (impl_->skel != nullptr) {
    bpf_program* program;
    bpf_object__for_each_program(program, impl_->skel->obj) {
      const bool is_base = std::string_view(bpf_program__section_name(program)).starts_with("tp_btf/");
      bpf_program__set_autoload(program,
                                name == nullptr ? is_base : std::string_view(bpf_program__name(program)) == name);
    }
  }
  if (impl_->skel == nullptr || trigon_empty__load(impl_->skel) != 0 || trigon_empty__attach(impl_->skel) != 0)
    failure("the empty programs cannot be attached");
}

EmptyPrograms::~EmptyPrograms() { trigon_empty__destroy(impl_->skel); }

std::unique_ptr<host::Agent> start_agent(std::vector<std::string> args) {
  auto agent = std::make_unique<host::Agent>(std::move(args));
  if (!agent->problem().empty()) failure(agent->problem());
  return agent;
}

host::Books stop_agent(host::Agent* agent) {
  const host::Finished done = agent->stop();
  const host::Books books = agent->books();
  if (done.exit_code != 0 || !books.add_up()) failure("the books do not add up: " + books.text() + " " + done.err);
  return books;
}

host::Json run_trigger(std::vector<std::string> words, const std::string& fact) {
  words[0] = host::trigger(words[0]);
  const host::Finished done = host::run(words, {}, host::Seconds(600));
  const host::Json found = done.fact(fact);
  if (done.exit_code != 0 || found.is_null()) failure(words[0] + " failed: " + done.err);
  return found;
}

}  // namespace trigon::bench
