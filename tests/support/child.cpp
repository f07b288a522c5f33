#include "support/child.hpp"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "os/retry.hpp"

namespace support {

Child::Child(const std::function<int()>& body) : Offspring(fork()) {
  if (pid() != 0) return;
  try {
    _exit(body());
  } catch (const std::exception&) {
    _exit(99);
  }
}

Child::~Child() {
  if (is_over()) return;
  signal(SIGKILL);
  wait();
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

bool is_in_state(pid_t pid, char state) {
  std::string status;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), status);
  return status.find(std::string(") ") + state + " ") != std::string::npos;
}

void halt(pid_t pid) {
  kill(pid, SIGSTOP);
  eventually([=] { return is_in_state(pid, 'T'); });
}

}  // namespace support
