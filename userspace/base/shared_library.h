// SharedLibrary: a library that is loaded when something first needs it. libcurl and libcrypto bring up to thirty
// others and 6 MiB of memory with them, which an agent that never uses them should not pay at each start.
#pragma once

#include <string>

#include "base/result.h"

namespace trigon {

// Loaded once and never unloaded (libraries start threads and register exit handlers): a value type, free to copy.
class SharedLibrary {
 public:
  // `name` as the dynamic linker knows it ("libcurl.so.4"); `package` goes into the message when it is missing.
  static Result<SharedLibrary> open(const std::string& name, const std::string& package);

  // Function of that name, or nullptr.
  template <typename Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(symbol(name));
  }

 private:
  explicit SharedLibrary(void* handle) : handle_(handle) {}
  void* symbol(const char* name) const;
  void* handle_;
};

}  // namespace trigon
