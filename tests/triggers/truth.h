// What a trigger says of itself: one JSON object per fact, one fact per line on standard output, each written with one
// write(2) so that lines of several processes do not mix. Bytes that need not be text (arguments, paths) are hex.
#ifndef TRIGON_TESTS_TRIGGERS_TRUTH_H
#define TRIGON_TESTS_TRIGGERS_TRUTH_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

void fact_begin(const char* name);
void fact_int(const char* key, long long value);
void fact_uint(const char* key, unsigned long long value);
// Text: what is not printable ASCII is written as \u00XX, byte by byte.
void fact_text(const char* key, const char* text);
void fact_hex(const char* key, const void* data, size_t size);
void fact_end(void);

// {"fact": name, …} with everything a process can know of itself.
void fact_self(const char* name);
// {"fact": "child", "what": what, "pid": …, "exited": …, "signal": …} from a wait status.
void fact_child(const char* what, pid_t pid, int status);
// {"fact": "unsupported", "why": …, "errno": …} and exit 77: the caller turns it into a skip.
_Noreturn void unsupported(const char* why);
// perror and exit 70.
_Noreturn void broken(const char* what);

// The pid that the mounted /proc knows us by; getpid() where there is no /proc.
pid_t outer_pid(void);
// The folder that holds the triggers, with a final slash.
const char* trigger_folder(void);
// The path of the trigger `self`.
const char* self_path(void);
// Copies a file; mode is set exactly.
void copy_file(const char* from, const char* to, mode_t mode);
void copy_to_fd(const char* from, int fd);
// A new folder under $TMPDIR or /tmp; removed by the caller.
char* make_folder(void);
// waitpid without EINTR.
int wait_for(pid_t pid);
// Boot clock.
uint64_t now_ns(void);

#endif
