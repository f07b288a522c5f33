#include "os/process.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "os/descriptor.hpp"

namespace os {

bool is_running(pid_t pid) {
  // glibc has no pidfd_open(2) before 2.36.
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno != ESRCH && errno != EINVAL;
  pollfd end{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, 0) == 0;
}

std::string program_path(const std::string& name) {
  std::error_code ignored;
  if (name.find('/') != std::string::npos) return std::filesystem::absolute(name, ignored).string();
  const char* const path = getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = std::filesystem::absolute(folder.empty() ? "." : folder, ignored) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

void be_batch() noexcept {
  const sched_param parameters{};
  if (sched_getscheduler(0) == SCHED_OTHER) sched_setscheduler(0, SCHED_BATCH, &parameters);
}

std::string ending_of(int status) {
  if (WIFEXITED(status)) return "exited with code " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return "ended on signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

}  // namespace os
