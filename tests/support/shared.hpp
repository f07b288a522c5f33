#pragma once

#include <sys/mman.h>

#include <new>
#include <stdexcept>

namespace support {

// One T that this process and all it forks from now on see alike. T is of atomics.
template <class T>
class Shared {
 public:
  Shared()
      : memory_(
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("mmap");
    value_ = new (memory_) T{};
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { munmap(memory_, sizeof(T)); }

  T* operator->() const { return value_; }

 private:
  void* memory_;
  T* value_;
};

}  // namespace support
