#include "sysv/semaphore.hpp"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <string>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace sysv {
namespace {

// The members of PHP's set.
constexpr unsigned short places = 0;
constexpr unsigned short usage = 1;
constexpr unsigned short gate = 2;
constexpr int members = 3;

constexpr short undo = SEM_UNDO;

// semctl(2) wants its caller to define this.
union Argument {
  int value;
};

template <std::size_t N>
int change(int id, std::array<sembuf, N> operations) {
  return os::retry([&] { return semop(id, operations.data(), operations.size()); });
}

timespec left_until(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::max(deadline - std::chrono::steady_clock::now(),
                             std::chrono::steady_clock::duration::zero());
  const auto whole = std::chrono::floor<std::chrono::seconds>(left);
  return {.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds(left - whole).count()};
}

const char* hint_for(int error) {
  if (error == ENOSPC) return "not about disks: the limits in kernel.sem are reached, see ipcs -l";
  if (error == EACCES || error == EPERM) return "the set belongs to another user, see ipcs -s";
  if (error == EINVAL) return "a set of this key has fewer than three members, so it is not PHP's";
  if (error == ERANGE) return "32767 handles are open already";
  return "";
}

// The capacity is looked at first: what cannot be opened leaves no set behind.
int set_of(Key key, Capacity capacity, Access access) {
  if (static_cast<int>(capacity) < 1 || static_cast<int>(capacity) > 32767) {
    throw std::invalid_argument("a semaphore's capacity is 1 to 32767");
  }
  const int id = semget(static_cast<key_t>(key), members, static_cast<int>(access) | IPC_CREAT);
  if (id == -1) os::fail("semget: key " + text_of(key), hint_for(errno));
  return id;
}

}  // namespace

Semaphore::Semaphore(Key key, Capacity capacity, Access access)
    : key_(key), id_(set_of(key, capacity, access)), asked_(capacity), owner_(getpid()) {
  join();
}

Semaphore::~Semaphore() {
  if (getpid() == owner_) leave();
}

// The gate is held for microseconds. Whoever is stopped in there would stop everybody: PHP waits
// for ever then.
void Semaphore::enter() {
  constexpr timespec patience{.tv_sec = 5, .tv_nsec = 0};
  std::array<sembuf, 3> operations = {{{gate, 0, 0}, {gate, 1, undo}, {usage, 1, undo}}};
  const int result =
      os::retry([&] { return semtimedop(id_, operations.data(), operations.size(), &patience); });
  if (result == 0) return;
  if (errno != EAGAIN) fail("semop");
  const int holder = semctl(id_, gate, GETPID);
  errno = ETIMEDOUT;
  os::fail("semop: key " + text_of(key_),
           "process " + std::to_string(holder) + " has been opening the semaphore for 5 s");
}

// Through the gate, one more handle; whoever turns out to be the only one sets the capacity; out
// of the gate. When the first step fails the gate is not ours, and leaving it would wait for ever
// (as PHP does after ERANGE).
void Semaphore::join() {
  enter();
  const int handles = semctl(id_, usage, GETVAL);
  is_first_ = handles == 1;
  const bool ready =
      handles > 1 ||
      (is_first_ && semctl(id_, places, SETVAL, Argument{.value = static_cast<int>(asked_)}) != -1);
  const int error = errno;
  const bool left = change<1>(id_, {{{gate, -1, undo}}}) != -1;
  if (ready && left) return;
  if (!ready) errno = error;
  const int cause = errno;
  leave();
  errno = cause;
  fail("semop");
}

int Semaphore::ask(unsigned short member) const {
  const int value = semctl(id_, member, GETVAL);
  if (value == -1) fail("semctl");
  return value;
}

// The handles are counted before and after: whoever joins and takes a place in between is one.
Semaphore::Agreement Semaphore::agreement() const {
  if (is_first_) return Agreement::set;
  const int asked = static_cast<int>(asked_);
  const int before = ask(usage);
  const int known = ask(places) + held_;
  const int others = std::max(before, ask(usage)) - 1;
  if (known > asked) return Agreement::larger;
  return known + others < asked ? Agreement::smaller : Agreement::none_against;
}

void Semaphore::leave() noexcept {
  // Errors have no reader here: a set that is gone needs no goodbye.
  const auto surplus = static_cast<short>(held_);
  if (held_ > 0) {
    change<2>(id_, {{{usage, -1, static_cast<short>(undo | IPC_NOWAIT)}, {places, surplus, undo}}});
  } else {
    change<1>(id_, {{{usage, -1, static_cast<short>(undo | IPC_NOWAIT)}}});
  }
}

void Semaphore::fail(const char* call) const {
  const std::string what = std::string(call) + ": key " + text_of(key_);
  if (errno == EIDRM || errno == EINVAL) {
    throw Removed(EIDRM, std::generic_category(), what + ": the semaphore set");
  }
  os::fail(what, hint_for(errno));
}

// True: taken. False: no place is free (IPC_NOWAIT), or the deadline came.
bool Semaphore::take(int flags, const Deadline& deadline) {
  sembuf operation{places, -1, static_cast<short>(undo | flags)};
  const int result = os::retry([&] {
    if (!deadline) return semop(id_, &operation, 1);
    const timespec left = left_until(*deadline);
    return semtimedop(id_, &operation, 1, &left);
  });
  if (result == -1 && errno == EAGAIN) return false;
  if (result == -1) fail("semop");
  ++held_;
  return true;
}

bool Semaphore::try_acquire() { return take(IPC_NOWAIT, std::nullopt); }

// The kernel hands a semaphore straight to the sleeper that waits longest, so every hand-over costs
// a context switch: 14 µs instead of 1 µs under contention. Asking a few times without sleeping
// leaves the semaphore with whoever runs.
bool Semaphore::wait(const Deadline& deadline) {
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (try_acquire()) return true;
    sched_yield();
  }
  return take(0, deadline);
}

// A free place costs no look at the clock.
bool Semaphore::acquire_within(std::chrono::milliseconds patience) {
  return try_acquire() || wait(std::chrono::steady_clock::now() + patience);
}

void Semaphore::acquire() { wait(std::nullopt); }

void Semaphore::release() {
  assert(held_ > 0);
  if (change<1>(id_, {{{places, 1, undo}}}) == -1) fail("semop");
  --held_;
}

void Semaphore::remove() {
  if (semctl(id_, 0, IPC_RMID) == -1) fail("semctl");
  held_ = 0;
}

std::optional<Semaphore::Status> Semaphore::status(Key key) {
  const int id = semget(static_cast<key_t>(key), 0, 0);
  if (id == -1 && errno == ENOENT) return std::nullopt;
  const auto ask = [&](unsigned short member, int what) {
    return id == -1 ? -1 : semctl(id, member, what);
  };
  const Status status{.id = id,
                      .free_places = ask(places, GETVAL),
                      .handles = ask(usage, GETVAL),
                      .gate = ask(gate, GETVAL),
                      .last = ask(places, GETPID),
                      .waiting = ask(places, GETNCNT),
                      .waiting_at_gate = ask(gate, GETZCNT)};
  if (status.waiting_at_gate != -1) return status;
  if (errno == EINVAL || errno == EIDRM) return std::nullopt;  // too few members, or gone
  os::fail("semctl: key " + text_of(key), hint_for(errno));
}

bool Semaphore::remove(Key key) {
  const int id = semget(static_cast<key_t>(key), 0, 0);
  if (id == -1 && errno == ENOENT) return false;
  if (id != -1 && semctl(id, 0, IPC_RMID) == 0) return true;
  if (errno == EINVAL || errno == EIDRM) return false;
  os::fail("semctl: key " + text_of(key), hint_for(errno));
}

pid_t Semaphore::last_holder() const {
  const int pid = semctl(id_, places, GETPID);
  return pid == -1 ? 0 : pid;
}

Hold::~Hold() {
  try {
    semaphore_.release();
  } catch (const std::system_error&) {
    // Removed: nobody is kept out by it any more.
  }
}

}  // namespace sysv
