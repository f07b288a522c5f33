#include "support/stepper.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace support {
namespace {

// How a stepped child stands after it was let go on.
enum class State { stepped, marked, ended };

void end(pid_t child) {
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
}

// A fault would be stepped into again and again: it ends the child.
State go_on(__ptrace_request how, pid_t child) {
  if (ptrace(how, child, nullptr, nullptr) == -1) throw std::runtime_error("ptrace");
  int status = 0;
  if (waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
  if (!WIFSTOPPED(status)) return State::ended;
  if (WSTOPSIG(status) == SIGSTOP) return State::marked;
  if (WSTOPSIG(status) != SIGSEGV && WSTOPSIG(status) != SIGABRT) return State::stepped;
  end(child);
  return State::ended;
}

// A child that has come to the first mark of the body.
pid_t start(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == -1) throw std::runtime_error("fork");
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) throw std::runtime_error("the body has no mark");
  return child;
}

}  // namespace

void mark() { raise(SIGSTOP); }

bool killed_after(long instructions, const std::function<void()>& body) {
  const pid_t child = start(body);
  State state = State::stepped;
  for (long step = 0; step < instructions && state == State::stepped; ++step) {
    state = go_on(PTRACE_SINGLESTEP, child);
  }
  if (state != State::ended) end(child);
  return state == State::stepped;
}

long step_through(const std::function<void()>& body, const std::function<void(long)>& look,
                  long most) {
  const pid_t child = start(body);
  long steps = 0;
  State state = go_on(PTRACE_SINGLESTEP, child);
  for (; state == State::stepped && steps < most; state = go_on(PTRACE_SINGLESTEP, child)) {
    look(++steps);
  }
  while (state == State::stepped) state = go_on(PTRACE_CONT, child);
  if (state == State::marked) end(child);
  return steps;
}

}  // namespace support
