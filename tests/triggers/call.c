// call [-w] [-32] NUMBER ARG… [, NUMBER ARG…]…: makes system calls and says what each returned. An argument is a
// number (0x… too), s:TEXT (a string), b:HEX (bytes), or a:PORT (struct sockaddr_in of 127.0.0.1). -w waits first until
// standard input ends. -32 goes through int 0x80: the other entry, with the other table, that a filter must not forget.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "truth.h"

// Memory that 32-bit registers can name.
static char* low_memory(void) {
#if defined(__x86_64__)
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;
#else
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif
  char* memory = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) broken("mmap");
  return memory;
}

static long value(const char* text, char** free_memory) {
  char* at = *free_memory;
  if (!strncmp(text, "s:", 2)) {
    strcpy(at, text + 2);
    *free_memory += strlen(at) + 1;
    return (long)at;
  }
  if (!strncmp(text, "b:", 2)) {
    unsigned byte;
    size_t n = 0;
    for (const char* hex = text + 2; sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2) at[n++] = byte;
    *free_memory += n + 1;
    return (long)at;
  }
  if (!strncmp(text, "a:", 2)) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(text + 2))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(at, &address, sizeof(address));
    *free_memory += sizeof(address);
    return (long)at;
  }
  return *text == '-' ? strtol(text, NULL, 0) : (long)strtoul(text, NULL, 0);
}

static long call_native(long number, const long* arg) {
  long result = syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
  return result == -1 ? -errno : result;
}

static long call_compat(long number, const long* arg) {
#if defined(__x86_64__)
  // The sixth register would be ebp, which the compiler wants for itself; nothing here needs six.
  int result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"((int)number), "b"((int)arg[0]), "c"((int)arg[1]), "d"((int)arg[2]), "S"((int)arg[3]),
                     "D"((int)arg[4])
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
#else
  (void)number, (void)arg;
  errno = ENOSYS;
  unsupported("int 0x80");
#endif
}

int main(int argc, char** argv) {
  char* memory = low_memory();
  int at = 1, compat = 0;
  if (at < argc && !strcmp(argv[at], "-w")) {
    char c;
    while (read(0, &c, 1) > 0) {
    }
    at++;
  }
  if (at < argc && !strcmp(argv[at], "-32")) compat = 1, at++;
  while (at < argc) {
    long arg[6] = {0}, number = strtol(argv[at++], NULL, 0);
    for (int i = 0; i < 6 && at < argc && strcmp(argv[at], ","); i++) arg[i] = value(argv[at++], &memory);
    if (at < argc) at++;
    long result = compat ? call_compat(number, arg) : call_native(number, arg);
    fact_begin("call");
    fact_int("pid", outer_pid());
    fact_int("number", number);
    fact_int("result", result);
    fact_end();
  }
  return 0;
}
