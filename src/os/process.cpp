#include "os/process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "os/descriptor.hpp"

namespace os {

bool is_running(pid_t pid) {
  // glibc has no pidfd_open(2) before 2.36.
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno != ESRCH && errno != EINVAL;
  pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, 0) == 0;
}

}  // namespace os
