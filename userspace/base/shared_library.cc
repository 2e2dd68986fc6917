#include "base/shared_library.h"

#include <dlfcn.h>

namespace trigon {

Result<SharedLibrary> SharedLibrary::open(const std::string& name, const std::string& package) {
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return Error(ErrorCode::kUnsupported,
                 "load " + name + ": " + (why != nullptr ? why : "unknown reason") + "; it is in package " + package);
  }
  return SharedLibrary(handle);
}

void* SharedLibrary::symbol(const char* name) const { return ::dlsym(handle_, name); }

}  // namespace trigon
