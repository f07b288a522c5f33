#include "prefork/master.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <exception>
#include <utility>

#include "os/log.hpp"
#include "os/signals.hpp"

namespace prefork {
namespace {

using namespace std::chrono_literals;

timespec timespec_of(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
}

std::string milliseconds(Roster::Duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

std::string end_of(int status) {
  if (WIFEXITED(status)) return "exited with code " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  return "ended on signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

}  // namespace

Master::Master(Limits limits, Hooks hooks)
    : limits_(limits),
      hooks_(std::move(hooks)),
      scoreboard_(limits.max_children),
      roster_(limits.max_children) {}

int Master::run() {
  os::log(os::Level::notice, "pool of " + std::to_string(limits_.max_children) +
                                 " workers, master is process " + std::to_string(getpid()));
  while (!deadline_ || !roster_.empty()) {
    if (!deadline_) fill_vacancies();
    if (deadline_) enforce_stop();
    wait_for_event();
    reap();
  }
  os::log(os::Level::notice, "stopped");
  return 0;
}

void Master::fill_vacancies() {
  while (const auto slot = roster_.vacancy(Clock::now())) {
    if (!spawn(*slot)) return;
  }
}

bool Master::spawn(int slot) {
  if (Clock::now() < fork_again_) return false;
  scoreboard_.clear(slot);
  const pid_t master = getpid();
  const pid_t pid = fork();
  if (pid == 0) be_worker(slot, master);
  if (pid == -1) {
    os::log(os::Level::error, std::string("fork: ") + std::strerror(errno) + "; again in 1 s");
    fork_again_ = Clock::now() + 1s;
    return false;
  }
  roster_.joined(slot, pid, Clock::now());
  return true;
}

// Leaves by _exit: what the master owns, a child must not tidy up.
void Master::be_worker(int slot, pid_t master) noexcept {
  try {
    Worker worker(scoreboard_[slot], master);
    hooks_.serve(worker);
    _exit(0);
  } catch (const std::exception& error) {
    os::log(os::Level::error, std::string("worker: ") + error.what());
    _exit(1);
  }
}

// Until a signal comes, or there is something to do without one.
void Master::wait_for_event() {
  Clock::time_point until = Clock::now() + 1h;
  if (deadline_) until = *deadline_;
  if (const auto vacancy = roster_.next_vacancy(); vacancy && !deadline_) {
    until = std::max(*vacancy, fork_again_);
  }
  const timespec timeout = timespec_of(std::max<Clock::duration>(until - Clock::now(), 0ns));
  const sigset_t awaited = os::signal_set({SIGCHLD, SIGTERM, SIGINT, SIGQUIT});
  siginfo_t info{};
  const int signal = sigtimedwait(&awaited, &info, &timeout);
  if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT) begin_stop(signal, info.si_pid);
}

// The first one counts: a second Ctrl-C does not hurry requests that are being answered.
void Master::begin_stop(int signal, pid_t sender) {
  if (deadline_) return;
  os::log(os::Level::notice, std::string("stopping: ") + strsignal(signal) + " from process " +
                                 std::to_string(sender));
  deadline_ = Clock::now() + limits_.process_control_timeout;
  hooks_.stop_listening();
  tell_workers(SIGTERM);
}

void Master::enforce_stop() {
  if (Clock::now() < *deadline_) return;
  os::log(os::Level::warning, "workers that did not finish in time are ended by force");
  tell_workers(SIGKILL);
  deadline_ = Clock::now() + 1s;
}

void Master::tell_workers(int signal) const {
  for (const pid_t pid : roster_.workers()) kill(pid, signal);
}

void Master::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    bury(pid, status);
  }
}

void Master::bury(pid_t pid, int status) {
  const auto slot = roster_.slot_of(pid);
  if (!slot) return;  // a stranger that we adopted, as process 1 of a container does
  const bool served = scoreboard_[*slot].requests > 0;
  const auto departure =
      roster_.left(pid, served ? Roster::Served::yes : Roster::Served::no, Clock::now());
  if (deadline_) return;
  os::log(os::Level::warning, "worker " + std::to_string(pid) + " " + end_of(status) + " after " +
                                  milliseconds(departure->life) + ", replaced in " +
                                  milliseconds(departure->pause));
}

}  // namespace prefork
