// ProcessJson: the process object of all JSON events, and what is remembered of it. Single-threaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "output/json_writer.h"
#include "output/text.h"

namespace trigon::output {

class ProcessJson {
 public:
  ProcessJson(const JsonOptions* options, const sys::BootClock* clock);

  // base64("node:birth:pid")
  void put_exec_id(const process::Process& process, Buffer* out);
  // The whole object.
  void put(const process::Process& process, uint32_t tid, Buffer* out);
  // `,"parent":{…}` and `,"ancestors":[…]` from the grandparent up, each when there is one.
  void put_parent(const process::Process& process, Buffer* out);
  void put_ancestors(const process::Process& process, Buffer* out);
  // The whole object with what only exec events carry.
  void put_exec(const ExecEvent& event, Buffer* out);

 private:
  // `{"exec_id":…` up to where the thread belongs, without the closing brace.
  void open(const process::Process& process, std::string_view args, bool args_cut, Buffer* out);
  // The same from the cache.
  const std::string& opened(const process::Process& process);
  void put_flags(const process::Process& process, bool args_cut, Buffer* out);
  void put_context(const process::Context& context, Buffer* out);
  void put_namespaces(const trigon_namespaces& ns, Buffer* out);
  void put_binary_properties(const ExecEvent& event, Buffer* out);
  void put_environment(std::string_view env, Buffer* out);
  void put_extension(const ExecEvent& event, Buffer* out);

  const JsonOptions* options_;
  const sys::BootClock* clock_;
  uint32_t owner_;         // of the render caches that we filled
  std::string id_text_;    // "node:", and behind it what is being encoded
  size_t id_encoded_ = 0;  // bytes of "node:" that id_base64_ covers: a multiple of three
  size_t id_prefix_ = 0;   // length of "node:"
  std::string id_base64_;
  Buffer scratch_;
  TimeText time_;  // start times are of another second than event times
};

}  // namespace trigon::output
