#pragma once

#include <unistd.h>

#include <utility>

namespace os {

// Owns one file descriptor and closes it at the end of its life. Empty is -1.
// Move-only; not for sharing between threads.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ != -1; }

  // Gives the descriptor away: the caller closes it.
  int release() { return std::exchange(fd_, -1); }

  // Never retried: on Linux the descriptor is gone even when close(2) reports EINTR.
  void close() {
    if (fd_ != -1) ::close(release());
  }

 private:
  int fd_ = -1;
};

// Opens /dev/null on those of the descriptors 0, 1 and 2 that are closed, so that none of ours
// takes their numbers and gets what is meant for the terminal or the log. Call it first.
void occupy_standard_descriptors();

}  // namespace os
