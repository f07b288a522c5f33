#include "support/child.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <thread>

#include "os/retry.hpp"

namespace support {
namespace {

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Child::Child(const std::function<int()>& body) : pid_(fork()) {
  if (pid_ == -1) throw std::runtime_error("fork");
  if (pid_ != 0) return;
  try {
    _exit(body());
  } catch (const std::exception&) {
    _exit(99);
  }
}

Child::~Child() {
  if (result_ != -1) return;
  signal(SIGKILL);
  wait();
}

void Child::signal(int number) const { kill(pid_, number); }

int Child::wait() {
  int status = 0;
  if (result_ == -1 && os::retry([&] { return waitpid(pid_, &status, 0); }) == pid_) {
    result_ = code_of(status);
  }
  return result_;
}

bool Child::has_ended() {
  int status = 0;
  if (result_ == -1 && waitpid(pid_, &status, WNOHANG) == pid_) result_ = code_of(status);
  return result_ != -1;
}

int in_child(const std::function<int()>& body) { return Child(body).wait(); }

Signpost::Signpost() : ends_{-1, -1} {
  if (pipe(ends_) == -1) throw std::runtime_error("pipe");
}

Signpost::~Signpost() {
  close(ends_[0]);
  close(ends_[1]);
}

void Signpost::reach() const { (void)!write(ends_[1], "x", 1); }

void Signpost::wait_for() const {
  char byte = 0;
  (void)os::retry([&] { return read(ends_[0], &byte, 1); });
}

bool Signpost::reached_within(int milliseconds) const {
  pollfd end{.fd = ends_[0], .events = POLLIN, .revents = 0};
  return poll(&end, 1, milliseconds) > 0;
}

bool eventually(const std::function<bool()>& claim) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!claim()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace support
