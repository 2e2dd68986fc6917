// Ref<T>: an intrusive reference for the single thread of the event loop. The count is a plain integer: half the size
// of a shared_ptr and no atomic operation per copy. T has a member `mutable uint32_t refs`, 0 when it is made;
// dispose(T*) is found by argument-dependent look-up and takes it away when the last reference goes.
#pragma once

#include <cstdint>
#include <utility>

namespace trigon::process {

template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { acquire(); }
  Ref(const Ref& other) : object_(other.object_) { acquire(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { reset(); }

  void reset() {
    if (T* object = std::exchange(object_, nullptr); object != nullptr && --object->refs == 0) dispose(object);
  }
  // Gives the reference away without letting go of it.
  T* release() { return std::exchange(object_, nullptr); }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  void acquire() {
    if (object_ != nullptr) ++object_->refs;
  }

  T* object_ = nullptr;
};

}  // namespace trigon::process
