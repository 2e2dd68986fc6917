// Buffer: where writers append text. Grows by doubling, never shrinks by itself; cheaper than std::string because room
// is asked for once per piece and bytes are not zeroed first. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace trigon::output {

class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { std::free(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // Room for n more bytes; write there, then advance().
  char* reserve(size_t n) {
    if (capacity_ - size_ < n) [[unlikely]]
      grow(n);
    return data_ + size_;
  }
  void advance(size_t n) { size_ += n; }
  void advance_to(const char* end) { size_ = static_cast<size_t>(end - data_); }
  void append(std::string_view text) {
    std::memcpy(reserve(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *reserve(1) = c;
    ++size_;
  }
  void clear() { size_ = 0; }
  // Forgets everything behind the first `size` bytes.
  void truncate(size_t size) { size_ = size; }
  // Forgets the first n bytes.
  void remove_front(size_t n) {
    std::memmove(data_, data_ + n, size_ - n);
    size_ -= n;
  }

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  std::string_view view(size_t from = 0) const { return {data_ + from, size_ - from}; }

 private:
  void grow(size_t n) {
    size_t capacity = capacity_ == 0 ? 4096 : capacity_ * 2;
    while (capacity - size_ < n) capacity *= 2;
    auto* data = static_cast<char*>(std::realloc(data_, capacity));
    if (data == nullptr) throw std::bad_alloc();
    data_ = data;
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace trigon::output
