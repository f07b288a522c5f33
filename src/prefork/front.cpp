#include "prefork/front.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "os/error.hpp"
#include "os/handover.hpp"
#include "os/log.hpp"
#include "os/process.hpp"
#include "os/signals.hpp"
#include "prefork/master.hpp"

namespace prefork {
namespace {

constexpr int exit_cannot_fork = 71;  // EX_OSERR
constexpr std::size_t longest_line = 65536;

std::string milliseconds(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

void forget_signals() {
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  const sigset_t none = os::signal_set({});
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// TERM and not KILL, should the master die: who has children of its own can take them along.
[[noreturn]] void become(const std::vector<std::string>& words, int error_fd, pid_t master) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != master) _exit(0);
  forget_signals();
  dup2(STDERR_FILENO, STDOUT_FILENO);
  if (error_fd != -1) dup2(error_fd, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  execvp(words.front().c_str(), os::exec_arguments(words).data());
  os::log(os::Level::error, "cannot run " + words.front() + ": " + std::strerror(errno));
  _exit(Front::exit_cannot_run);
}

bool is_hopeless(int status) {
  if (!WIFEXITED(status)) return false;
  const int code = WEXITSTATUS(status);
  return code == Front::exit_config || code == Front::exit_cannot_run;
}

}  // namespace

Front::Front(Master& master, Settings settings)
    : master_(master),
      settings_(std::move(settings)),
      alarm_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  settings_.patience = std::max(settings_.patience, std::chrono::milliseconds(1));
  if (!alarm_) os::fail("timerfd_create");
  master_.watch(alarm_.get(), [this] { wake(); });
  if (settings_.say) open_stderr();
  if (settings_.adopted != 0) wait_for(settings_.adopted);
}

Front::~Front() { dismiss_remains(); }

void Front::start() {
  if (pid_ == 0 && !stopping_) run();
}

bool Front::stop() {
  stopping_ = true;
  if (pid_ == 0) return false;
  os::log(os::Level::notice, "waiting for the front to finish first");
  tell(SIGQUIT);
  wake_in(settings_.patience);
  return true;
}

void Front::tell(int signal) const {
  if (pid_ != 0) kill(pid_, signal);
}

void Front::run() {
  const pid_t master = getpid();
  const pid_t child = fork();
  if (child == 0) become(settings_.words, settings_.stderr_ends.second.get(), master);
  if (child == -1) {
    os::log(os::Level::error, std::string("fork: ") + std::strerror(errno));
    return come_back(exit_cannot_fork << 8);
  }
  wait_for(child);
  os::log(os::Level::notice,
          "the front is " + settings_.words.front() + ", process " + std::to_string(child));
  if (remains_ != 0) wake_in(settings_.patience);
}

void Front::wait_for(pid_t child) {
  pid_ = child;
  master_.await(child, [this](int status) { ended(status); });
}

void Front::ended(int status) {
  hear();
  dismiss_remains();
  remains_ = std::exchange(pid_, 0);
  if (kill(-remains_, SIGQUIT) == -1) remains_ = 0;  // it has left nobody
  if (!stopping_) return come_back(status);
  wake_in({});
  master_.stop_workers();
}

void Front::come_back(int status) {
  const std::string what = "the front " + os::ending_of(status);
  if (is_hopeless(status)) {
    os::log(os::Level::alert, what + ": as it says itself, it is no use to start it again");
    return master_.stop("no front", exit_config);
  }
  const auto pause = settings_.restarts.ended(Clock::now());
  if (!pause) {
    os::log(os::Level::alert, what + ", once more than " +
                                  std::to_string(settings_.restarts.most()) +
                                  " times within a minute. The pool gives up");
    return master_.stop("the front does not stay", exit_spent);
  }
  os::log(os::Level::warning, what + ", again in " + milliseconds(*pause));
  wake_in(*pause);
}

// Soon enough: that number is nobody else's as long as the group has a member.
void Front::dismiss_remains() {
  if (remains_ != 0) kill(-std::exchange(remains_, 0), SIGKILL);
}

// Zero: not at all.
void Front::wake_in(std::chrono::milliseconds time) {
  itimerspec when{};
  when.it_value.tv_sec = time.count() / 1000;
  when.it_value.tv_nsec = time.count() % 1000 * 1'000'000;
  timerfd_settime(alarm_.get(), 0, &when, nullptr);
}

void Front::wake() {
  std::uint64_t times = 0;
  if (read(alarm_.get(), &times, sizeof times) == -1) return;
  if (!stopping_) return pid_ == 0 ? run() : dismiss_remains();
  if (pid_ == 0) return;
  os::log(os::Level::warning, "the front did not finish in time and is ended by force");
  tell(SIGKILL);
  kill(-pid_, SIGKILL);
}

void Front::open_stderr() {
  auto& [reading, writing] = settings_.stderr_ends;
  if (!reading || !writing) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) == -1) os::fail("pipe");
    reading = os::Descriptor(ends[0]);
    writing = os::Descriptor(ends[1]);
    fcntl(reading.get(), F_SETFL, O_NONBLOCK);
  }
  master_.watch(reading.get(), [this] { hear(); });
}

// A bounded piece of work: whoever writes without end does not keep the master from the rest.
void Front::hear() {
  if (!settings_.say) return;
  std::array<char, 65536> bytes{};
  const ssize_t size = read(settings_.stderr_ends.first.get(), bytes.data(), bytes.size());
  if (size > 0) begun_.append(bytes.data(), static_cast<std::size_t>(size));
  std::size_t begin = 0;
  for (auto end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n', begin)) {
    settings_.say(std::string_view(begun_).substr(begin, end - begin));
    begin = end + 1;
  }
  begun_.erase(0, begin);
  if (begun_.size() < longest_line) return;
  settings_.say(begun_);
  begun_.clear();
}

}  // namespace prefork
