#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"

namespace os {

// A file (or pipe, or terminal) that takes whole lines, from several processes at once: they are
// appended, one write(2) a line. Nothing that a file can do stops whoever writes: a full disk, a
// pipe that nobody reads or whose reader is gone, lose lines, and the losses are counted.
class LogFile {
 public:
  // The longest line that never mixes with another one and never is cut, whatever the file is.
  static constexpr std::size_t longest_line = 4096;

  // Made with mode 0600 if there is none. /dev/stdout, /dev/stderr and /proc/self/fd/N are the
  // descriptors that they name, also where these cannot be opened (a socket, a pipe of another
  // user's). Throws std::system_error.
  explicit LogFile(std::string path);

  // The same, but where the path cannot be opened, lines go to `held`, if that is open: the same
  // file, of before.
  LogFile(std::string path, Descriptor held);

  // Opens the path anew: a file that was renamed is let go of. If that fails the old one stays in
  // use. Throws std::system_error.
  void reopen();

  // With its newline. False: lost. REQUIRES, for one who wants pipes unmixed: no longer than
  // longest_line.
  bool write(std::string_view line) noexcept;

  // Once writing works again: how many lines were lost before that; then 0 again.
  std::uint64_t take_lost() noexcept;

  const std::string& path() const { return path_; }

  // For a handover. Another one after a reopen().
  int fd() const { return file_.get(); }

 private:
  std::string path_;
  Descriptor file_;
  std::uint64_t losing_ = 0;  // lines of a gap that goes on
  std::uint64_t lost_ = 0;    // of gaps that have ended
  bool torn_ = false;         // a line was written in part
};

// Writes a line to any descriptor in the same way, without waiting: how many bytes went out, or -1.
ssize_t write_without_waiting(int fd, std::string_view first,
                              std::string_view second = {}) noexcept;

}  // namespace os
