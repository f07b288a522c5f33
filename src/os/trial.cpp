#include "os/trial.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "os/error.hpp"
#include "os/handover.hpp"
#include "os/retry.hpp"
#include "os/signals.hpp"

namespace os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_output = 2000;  // with the code before it, one atomic write into a pipe
constexpr int exit_timeout = 124;          // timeout(1)'s
constexpr int exit_cannot_run = 127;       // the shell's

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) == -1) fail("pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) raise(SIGKILL);
}

[[noreturn]] void be_program(const Trial::Case& tried, int output, pid_t clerk) {
  die_with(clerk);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const sigset_t none = signal_set({});
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::string variable = tried.variable;
  if (!variable.empty()) putenv(variable.data());
  execv(tried.program.c_str(), exec_arguments(tried.words).data());
  const std::string why = "cannot run " + tried.program + ": " + std::strerror(errno) + "\n";
  (void)!write(STDERR_FILENO, why.data(), why.size());
  _exit(exit_cannot_run);
}

// What exec would close is this process's own. What it would leave open (a log that was named by
// its descriptor) the program would find in place of this one, and finds on trial.
void close_all_but(int kept) {
  std::vector<int> ours;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (fd != kept && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) ours.push_back(fd);
  }
  for (const int fd : ours) close(fd);
}

// What is there, a bounded piece of it; its end is kept.
void read_more(int fd, std::string& output) {
  std::array<char, 4096> bytes{};
  ssize_t size = 1;
  for (int pieces = 0; pieces < 64 && size > 0; ++pieces) {
    size = retry([&] { return read(fd, bytes.data(), bytes.size()); });
    if (size > 0) output.append(bytes.data(), static_cast<std::size_t>(size));
    if (output.size() > most_output) output.erase(0, output.size() - most_output);
  }
}

int milliseconds_until(Clock::time_point moment) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Until the program ends, or its time, or the process that wants to know.
Trial::Result watch(pid_t program, int output_fd, int report_fd, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  const Descriptor ends = signal_descriptor({SIGCHLD});
  std::string output;
  int status = 0;
  pid_t ended = waitpid(program, &status, WNOHANG);
  while (ended == 0 && Clock::now() < deadline) {
    std::array<pollfd, 3> events = {{{.fd = ends.get(), .events = POLLIN, .revents = 0},
                                     {.fd = output_fd, .events = POLLIN, .revents = 0},
                                     {.fd = report_fd, .events = 0, .revents = 0}}};
    poll(events.data(), events.size(), milliseconds_until(deadline));
    if ((events[2].revents & POLLERR) != 0) _exit(0);  // takes the program along
    read_more(output_fd, output);
    if ((events[1].revents & POLLHUP) != 0) output_fd = -1;
    ended = waitpid(program, &status, WNOHANG);
  }
  read_more(output_fd, output);
  if (ended == program) return {code_of(status), std::move(output)};
  return {exit_timeout, "it did not end within " + std::to_string(limit.count()) + " ms"};
}

[[noreturn]] void be_clerk(const Trial::Case& tried, int report, pid_t master) noexcept try {
  die_with(master);
  close_all_but(report);
  Pipe output = make_pipe();
  fcntl(output.reader.get(), F_SETFL, O_NONBLOCK);
  block_signals();
  const pid_t clerk = getpid();
  const pid_t program = fork();
  if (program == 0) be_program(tried, output.writer.get(), clerk);
  if (program == -1) fail("fork");
  output.writer.close();
  const Trial::Result result = watch(program, output.reader.get(), report, tried.limit);
  const std::string text = std::to_string(result.code) + "\n" + result.output;
  (void)!write(report, text.data(), text.size());
  _exit(0);
} catch (const std::exception&) {
  _exit(1);
}

}  // namespace

Trial::Trial(const Case& tried) {
  Pipe report = make_pipe();
  const pid_t master = getpid();
  const pid_t clerk = fork();
  if (clerk == 0) be_clerk(tried, report.writer.get(), master);
  if (clerk == -1) fail("fork");
  report_ = std::move(report.reader);
}

Trial::Result Trial::result() const {
  std::array<char, 4096> bytes{};
  const ssize_t size = retry([&] { return read(fd(), bytes.data(), bytes.size()); });
  const std::string text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const auto end = text.find('\n');
  if (end == std::string::npos) return {exit_cannot_run, "it could not be tried"};
  return {std::atoi(text.c_str()), text.substr(end + 1)};
}

std::string Trial::Result::last_line() const {
  const auto last = output.find_last_not_of(" \r\n\t");
  if (last == std::string::npos) return "exit code " + std::to_string(code);
  const auto line_end = output.rfind('\n', last);
  const auto begin = line_end == std::string::npos ? 0 : line_end + 1;
  return output.substr(begin, last - begin + 1);
}

}  // namespace os
