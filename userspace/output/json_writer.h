// JsonWriter: one JSON object per line, in the shape of docs/reference/events.md.
//
// The process object of a process never changes between its birth and its end, but for the thread: it is rendered once
// and copied from then on; so are a context's capabilities and what a selector adds to each of its events.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "output/buffer.h"
#include "output/stack_text.h"
#include "output/text.h"
#include "output/writer.h"
#include "sys/clock.h"

namespace trigon::output {

struct JsonOptions {
  std::string node_name;
  std::string cluster_name;                    // empty: left out
  bool process_cred = false;                   // --enable-process-cred: cap, process_credentials
  bool process_ns = false;                     // --enable-process-ns
  bool environment = false;                    // --enable-process-environment-variables
  std::vector<std::string> environment_names;  // --filter-environment-variables; empty: all
  bool ancestors_base = false;                 // --enable-ancestors: base, kprobe, tracepoint, lsm, uprobe, usdt
  bool ancestors_kprobe = false;
  bool ancestors_tracepoint = false;
  bool ancestors_lsm = false;
  bool ancestors_uprobe = false;
  bool ancestors_usdt = false;
  bool extensions = true;  // the "trigon" objects
  StackOptions stacks;
  trigon_namespaces host_ns{};  // of pid 1, for is_host (sys/procfs.h reads them)
};

class HookJson;
class ProcessJson;

class JsonWriter : public Writer {
 public:
  // The clock must outlive the writer.
  JsonWriter(JsonOptions options, const sys::BootClock* clock);
  ~JsonWriter() override;

  void exec(const ExecEvent& event, Buffer* out) override;
  void exit(const ExitEvent& event, Buffer* out) override;
  void hook(const HookEvent& event, Buffer* out) override;
  void loader(const LoaderEvent& event, Buffer* out) override;
  void loss(const LossEvent& event, Buffer* out) override;
  void forget_policies() override;

 private:
  void put_tail(uint64_t boot_ns, Buffer* out);

  JsonOptions options_;
  const sys::BootClock* clock_;
  std::unique_ptr<ProcessJson> process_;
  std::unique_ptr<HookJson> hook_;
  TimeText time_;
  std::string tail_;  // `"node_name":"…","cluster_name":"…","time":"`
};

}  // namespace trigon::output
