#include "os/log_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <exception>
#include <optional>
#include <utility>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

std::optional<int> descriptor_named(std::string_view path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/proc/self/fd/", "/dev/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int fd = -1;
    const char* const end = path.data() + path.size();
    const auto [at, error] = std::from_chars(path.data() + folder.size(), end, fd);
    if (error == std::errc{} && at == end) return fd;
  }
  return std::nullopt;
}

Descriptor opened(const std::string& path) {
  const auto number = descriptor_named(path);
  Descriptor file(number ? fcntl(*number, F_DUPFD_CLOEXEC, 3) : retry([&] {
    return open(path.c_str(),
                O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
                    O_NONBLOCK,  // a fifo without a reader: no waiting
                0600);
  }));
  if (!file) fail("open: log file " + path, errno == ENXIO ? "a fifo that nobody reads" : "");
  return file;
}

Descriptor opened_or(const std::string& path, Descriptor held) try {
  return opened(path);
} catch (const std::exception&) {
  return held;
}

bool is_regular(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

// A pipe can fill between a look and a write; RWF_NOWAIT looks and writes in one. Where there is no
// such thing (terminals, older kernels) the look has to do.
ssize_t write_without_waiting(int fd, std::string_view first, std::string_view second) noexcept {
  const std::array<iovec, 2> parts = {{{const_cast<char*>(first.data()), first.size()},
                                       {const_cast<char*>(second.data()), second.size()}}};
  const int count = second.empty() ? 1 : 2;
  if (!is_regular(fd)) {
    const ssize_t size = retry([&] { return pwritev2(fd, parts.data(), count, -1, RWF_NOWAIT); });
    if (size != -1 || errno == EAGAIN || errno == EPIPE) return size;
    pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
    if (poll(&writable, 1, 0) != 1) return -1;
  }
  return retry([&] { return writev(fd, parts.data(), count); });
}

LogFile::LogFile(std::string path) : LogFile(std::move(path), {}) {}

LogFile::LogFile(std::string path, Descriptor held)
    : path_(std::move(path)), file_(held ? opened_or(path_, std::move(held)) : opened(path_)) {}

void LogFile::reopen() { file_ = opened(path_); }

bool LogFile::write(std::string_view line) noexcept {
  const std::string_view mend = torn_ ? "\n" : "";
  const ssize_t size = torn_ ? write_without_waiting(file_.get(), mend, line)
                             : write_without_waiting(file_.get(), line);
  if (size == static_cast<ssize_t>(mend.size() + line.size())) {
    torn_ = false;
    lost_ += std::exchange(losing_, 0);
    return true;
  }
  if (size > 0) torn_ = true;
  ++losing_;
  return false;
}

std::uint64_t LogFile::take_lost() noexcept { return std::exchange(lost_, 0); }

}  // namespace os
