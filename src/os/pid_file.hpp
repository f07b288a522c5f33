#pragma once

#include <sys/types.h>

#include <string>

#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"

namespace os {

// A file with this process's number, as php-fpm writes it: decimal, no newline, 0644. It is locked
// (flock) for as long as this process or a child lives, so that it belongs to one pool: a file that
// nobody holds is stale and taken over, whatever it says, and one that is held is refused.
class PidFile {
 public:
  // Throws std::system_error if the file cannot be written, or is another kind of file, and
  // std::runtime_error if another process holds it.
  explicit PidFile(std::string path);

  // The same, but one that the image before this one held at that path is simply held on. If it
  // held another, that is given up. An image that runs again holds what it held, even if that is
  // not at its path any more.
  PidFile(std::string path, Inheritance& inheritance);

  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

  // Removes the file, if it is still this one, and only in the process that made it.
  ~PidFile();

  void hand_over(Handover& handover) const;

  // Whether the file at that path goes along in that handover.
  static bool is_in(const Handover& handover, const std::string& path);

  // For a pool that has no pid file any more: removes the one that the image before this one held.
  static void give_up(Inheritance& inheritance);

 private:
  void take();
  bool try_to_take();
  void write() const;
  void hold(Descriptor file, Inheritance& inheritance);

  std::string path_;
  Descriptor file_;
  pid_t maker_;  // 0: the image before, as long as there is a way back to it
};

}  // namespace os
