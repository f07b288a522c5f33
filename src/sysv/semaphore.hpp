#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "sysv/error.hpp"
#include "sysv/key.hpp"

namespace sysv {

// How many holders at once. Only the first of all live handles, PHP's among them, sets it.
enum class Capacity : int {};
constexpr Capacity mutual_exclusion{1};

// A handle to PHP's semaphore: what sem_get, sem_acquire, sem_release and sem_remove do, in the
// same system calls (PHP 8.2 to 8.6, ext/sysvsem), so that PHP and C++ processes exclude each
// other.
//
// The set has three members: 0 the free places, 1 the number of live handles, 2 the gate that
// makes "the first handle sets the capacity" one step. Every change carries SEM_UNDO: a process
// that dies, at any point and of any cause, gives back what it held and no longer counts.
//
// A handle belongs to the process that opened it. In a forked child the destructor does nothing:
// the kernel does not inherit undo, so a child's goodbye would open the parent's lock.
// Not for use by several threads at once: undo belongs to the whole process.
class Semaphore {
 public:
  // Opens the set, and makes it with that access if there is none; whether it has that capacity
  // then, agreement() tells (in PHP nothing does). std::system_error: EACCES, and
  // ENOSPC when the kernel's limits (kernel.sem) are reached; ERANGE after 32767 handles;
  // ETIMEDOUT when another process has been opening it for 5 s.
  explicit Semaphore(Key key, Capacity capacity = mutual_exclusion, Access access = owner_only);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Gives back what this handle still holds and stops counting as a handle. Never throws.
  ~Semaphore();

  Key key() const { return key_; }
  int id() const { return id_; }

  // How the capacity that this handle asked for agrees with the set's. The kernel counts the free
  // places and not who holds the others, so of a handle that did not set it not all can be known.
  enum class Agreement {
    set,          // this handle was the first, and set it
    larger,       // more are free than were asked for: others get in whom this handle keeps out
    smaller,      // fewer, even if every other handle holds one
    none_against  // nothing speaks against it: equal, or others hold what would show the difference
  };
  Agreement agreement() const;

  // Takes a place if one is free now.
  [[nodiscard]] bool try_acquire();

  // Takes a place, waiting for it no longer than `patience`; false when that ran out. PHP cannot
  // see that such a waiter differs from its own. Throws Removed.
  [[nodiscard]] bool acquire_within(std::chrono::milliseconds patience);

  // Takes a place, waiting as long as it takes, as sem_acquire does. Throws Removed.
  void acquire();

  // Gives one place back. REQUIRES: this handle holds one. Throws Removed.
  void release();

  // Destroys the set in the kernel, for everyone. Those who wait get Removed.
  void remove();

  // What the kernel knows of a key's set, told without becoming a handle. None: there is no set, or
  // one of fewer than three members. Needs the right to read.
  struct Status {
    int id;
    int free_places;
    int handles;  // that are alive, of all processes
    int gate;     // 1: somebody becomes a handle at this moment
    pid_t last;   // that changed the free places; 0: nobody yet
    int waiting;  // processes that wait for a place
    int waiting_at_gate;
  };
  static std::optional<Status> status(Key key);

  // As remove(), without becoming a handle first, of a set of any size. False if there is none.
  static bool remove(Key key);

  // The process that holds or last changed the semaphore, as the kernel remembers it; 0: none.
  pid_t last_holder() const;

 private:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  void enter();
  void join();
  int ask(unsigned short member) const;
  void leave() noexcept;
  bool take(int flags, const Deadline& deadline);
  bool wait(const Deadline& deadline);
  [[noreturn]] void fail(const char* call) const;

  Key key_;
  int id_;
  Capacity asked_;
  bool is_first_ = false;
  pid_t owner_;
  int held_ = 0;
};

// Holds one place for the length of a scope. REQUIRES: the place was acquired. Never throws: a set
// that was removed meanwhile has nothing left to give back.
class Hold {
 public:
  explicit Hold(Semaphore& acquired) : semaphore_(acquired) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold();

 private:
  Semaphore& semaphore_;
};

}  // namespace sysv
