#pragma once

#include <sys/types.h>

namespace support {

// A process that this one has forked, and how it ends.
class Offspring {
 public:
  // Throws std::runtime_error for -1, which is fork's failure.
  explicit Offspring(pid_t pid);
  Offspring(const Offspring&) = delete;
  Offspring& operator=(const Offspring&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;

  // Waits for its end: the exit code, or 128 + the signal that ended it.
  int wait();

  // Whether it has ended by now.
  bool has_ended();

 protected:
  ~Offspring() = default;

  // Whether wait() or has_ended() has seen its end.
  bool is_over() const { return result_ != -1; }

 private:
  int wait(int options);

  pid_t pid_;
  int result_ = -1;
};

}  // namespace support
