// Sink: where lines go. Nothing that happens there stops the agent: what cannot be written is counted. Single-threaded.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/result.h"
#include "output/buffer.h"

namespace trigon::output {

struct SinkCounters {
  uint64_t events = 0;   // lines that were written
  uint64_t bytes = 0;    //
  uint64_t dropped = 0;  // lines that could not be
  uint64_t errors = 0;   // failed writes, rotations and openings
};

class Sink {
 public:
  virtual ~Sink() = default;

  // A writer appends one line to buffer() and calls commit(); or takes it back with buffer().truncate().
  virtual Buffer& buffer() = 0;
  virtual void commit() = 0;
  // Pushes what is buffered to its destination: at the end of each batch.
  virtual void flush() = 0;
  // Opens the destination again under its name (SIGHUP).
  virtual Result<void> reopen() { return {}; }
  // Whether nobody will ever read what is written (EPIPE).
  virtual bool broken() const { return false; }
  virtual SinkCounters counters() const = 0;

  // Called when a destination accepts data again: appends the line that says how many events are missing.
  using RecoveryNote = std::function<void(uint64_t dropped, Buffer* out)>;
  void set_recovery_note(RecoveryNote note) { note_ = std::move(note); }

 protected:
  RecoveryNote note_;
};

}  // namespace trigon::output
