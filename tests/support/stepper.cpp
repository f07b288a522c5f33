#include "support/stepper.hpp"

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <stdexcept>

namespace support {
namespace {

// How a stepped child stands after it was let go on.
enum class State { stepped, marked, ended };

void end(pid_t child) {
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, __WALL);
}

// The signal that a child is stopped by; 0: it has ended.
int stop_of(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, __WALL) != child) throw std::runtime_error("waitpid");
  return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

// A fault would be stepped into again and again: it ends the child.
State go_on(__ptrace_request how, pid_t child) {
  if (ptrace(how, child, nullptr, nullptr) == -1) throw std::runtime_error("ptrace");
  const int stop = stop_of(child);
  if (stop == 0) return State::ended;
  if (stop == SIGSTOP) return State::marked;
  if (stop != SIGSEGV && stop != SIGABRT) return State::stepped;
  end(child);
  return State::ended;
}

// A child that stands at the first mark of the body.
pid_t start(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == -1) throw std::runtime_error("fork");
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    body();
    _exit(0);
  }
  if (stop_of(child) == 0) throw std::runtime_error("the body has no mark");
  return child;
}

#if defined(__x86_64__)
unsigned long place_of(pid_t child) {
  return static_cast<unsigned long>(
      ptrace(PTRACE_PEEKUSER, child, offsetof(user, regs.rip), nullptr));
}

// The first of four breakpoints, on execution. False where the machine has none to give.
bool set_breakpoint(pid_t child, unsigned long place) {
  constexpr unsigned long local_first = 1;
  const auto set = [&](std::size_t number, unsigned long value) {
    const auto offset = offsetof(user, u_debugreg) + number * sizeof(unsigned long);
    return ptrace(PTRACE_POKEUSER, child, offset, value) == 0;
  };
  return set(0, place) && set(7, local_first);
}
#else
unsigned long place_of(pid_t) { return 0; }
bool set_breakpoint(pid_t, unsigned long) { return false; }
#endif

// Ends with its scope, wherever it stands then.
class Victim {
 public:
  explicit Victim(pid_t pid) : pid_(pid) {}
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim() { end(pid_); }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

bool go_on(__ptrace_request how, pid_t child, long times) {
  while (times > 0 && go_on(how, child) == State::stepped) --times;
  return times == 0;
}

// Stopped as soon as it has forked, it stands still until it is let go on, and so never changes.
[[noreturn]] void fork_forever(const std::function<void()>& body) {
  signal(SIGCHLD, SIG_IGN);  // nobody waits for them here
  mark();
  pid_t child = 0;
  while ((child = fork()) > 0) {
  }
  if (child == 0) body();
  _exit(child == 0 ? 0 : 1);
}

}  // namespace

void mark() { raise(SIGSTOP); }

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

Doomed::Doomed(const Play& play)
    : forker_(start([&] {
        play.rehearsal();
        fork_forever(play.body);
      })),
      reset_(play.reset) {
  const long options = PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SETOPTIONS, forker_, nullptr, options) == 0) return;
  end(forker_);
  throw std::runtime_error("ptrace: no options");
}

Doomed::~Doomed() { end(forker_); }

// One that stands at the first mark of the body.
pid_t Doomed::next() const {
  reset_();
  unsigned long child = 0;
  if (go_on(PTRACE_CONT, forker_) != State::stepped ||
      ptrace(PTRACE_GETEVENTMSG, forker_, nullptr, &child) == -1) {
    throw std::runtime_error("no process is forked: the rehearsal failed");
  }
  const auto pid = static_cast<pid_t>(child);
  if (stop_of(pid) == 0 || go_on(PTRACE_CONT, pid) != State::marked) {
    throw std::runtime_error("the body has no mark");
  }
  return pid;
}

long Doomed::walk(const std::function<void(long)>& look) {
  const Victim victim(next());
  const pid_t child = victim.pid();
  places_ = {place_of(child)};
  State state = go_on(PTRACE_SINGLESTEP, child);
  for (; state == State::stepped; state = go_on(PTRACE_SINGLESTEP, child)) {
    places_.push_back(place_of(child));
    look(static_cast<long>(places_.size()) - 1);
  }
  if (state == State::ended) throw std::runtime_error("the body died between its marks");
  return static_cast<long>(places_.size()) - 1;
}

// Whether a breakpoint stops there. An instruction that repeats itself, such as rep movs, is a step
// for every repetition, and a breakpoint stops before the first alone; and in mark() a signal
// stops.
bool Doomed::is_stop(long step) const {
  const auto i = static_cast<std::size_t>(step);
  return i > 0 && places_[i] != places_[i - 1] && places_[i] != places_[0];
}

bool Doomed::step_to(pid_t child, long step, long from) const {
  return go_on(PTRACE_SINGLESTEP, child, step - from) &&
         place_of(child) == places_.at(static_cast<std::size_t>(step));
}

// At full speed to the last stop on the way. False where it came by there less often.
bool Doomed::run_to(pid_t child, long step) const {
  long stop = step;
  while (stop > 0 && !is_stop(stop)) --stop;
  const unsigned long place = places_[static_cast<std::size_t>(stop)];
  if (stop == 0 || !set_breakpoint(child, place)) return step_to(child, step);
  long times = 0;
  for (long i = 1; i <= stop; ++i) {
    if (places_[static_cast<std::size_t>(i)] == place && is_stop(i)) ++times;
  }
  return go_on(PTRACE_CONT, child, times) && step_to(child, step, stop);
}

void Doomed::kill_after(long instructions) {
  {
    const Victim victim(next());
    if (run_to(victim.pid(), instructions)) return;
  }
  const Victim victim(next());
  if (step_to(victim.pid(), instructions)) return;
  throw std::runtime_error("no process comes to where the first one was");
}

}  // namespace support
