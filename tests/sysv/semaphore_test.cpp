#include "sysv/semaphore.hpp"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using support::in_child;
using support::Scratch;
using sysv::Semaphore;
using Agreement = Semaphore::Agreement;

namespace {

int value_of(const Semaphore& semaphore, int member) {
  return semctl(semaphore.id(), member, GETVAL);
}

// Whether a process of its own gets in at once.
bool another_gets_in(sysv::Key key) {
  return in_child([&] {
           Semaphore mine(key);
           return mine.try_acquire() ? 0 : 1;
         }) == 0;
}

}  // namespace

TEST_CASE_METHOD(Scratch, "A semaphore is PHP's set of three: free places, handles, gate") {
  const Semaphore first(key);
  CHECK(value_of(first, 0) == 1);
  CHECK(value_of(first, 1) == 1);
  CHECK(value_of(first, 2) == 0);
  const Semaphore second(key);
  CHECK(second.id() == first.id());
  CHECK(value_of(first, 1) == 2);
}

TEST_CASE_METHOD(Scratch, "Only the first handle sets the capacity, and a later one is told") {
  const Semaphore first(key, sysv::Capacity{3});
  CHECK(first.agreement() == Agreement::set);
  const Semaphore more(key, sysv::Capacity{7});
  CHECK(value_of(more, 0) == 3);
  CHECK(more.agreement() == Agreement::smaller);
  CHECK(Semaphore(key).agreement() == Agreement::larger);
  CHECK(Semaphore(key, sysv::Capacity{3}).agreement() == Agreement::none_against);
}

TEST_CASE_METHOD(Scratch, "Places that are held are no other capacity") {
  Semaphore first(key, sysv::Capacity{2});
  Semaphore second(key, sysv::Capacity{2});
  REQUIRE(first.try_acquire());
  CHECK(second.agreement() == Agreement::none_against);
  REQUIRE(second.try_acquire());
  CHECK(second.agreement() == Agreement::none_against);
}

// The kernel counts free places alone: a larger set shows once enough of them are free.
TEST_CASE_METHOD(Scratch, "A larger capacity shows as soon as it can be seen") {
  Semaphore first(key, sysv::Capacity{2});
  REQUIRE(first.try_acquire());
  Semaphore second(key);
  CHECK(second.agreement() == Agreement::none_against);
  REQUIRE(second.try_acquire());
  first.release();
  CHECK(second.agreement() == Agreement::larger);
}

TEST_CASE_METHOD(Scratch, "A new handle does not open a lock that is held") {
  Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  CHECK_FALSE(another_gets_in(key));
  holder.release();
  CHECK(another_gets_in(key));
}

TEST_CASE_METHOD(Scratch, "A killed holder gives the semaphore back, and no longer counts") {
  Semaphore watcher(key);
  CHECK(in_child([&] {
          Semaphore doomed(key);
          doomed.acquire();
          return raise(SIGKILL);
        }) == 128 + SIGKILL);
  CHECK(value_of(watcher, 0) == 1);
  CHECK(value_of(watcher, 1) == 1);
  CHECK(watcher.try_acquire());
}

// Looked at while the child lives: its exit would undo the damage.
TEST_CASE_METHOD(Scratch, "A forked child's destructor does not release its parent's hold") {
  std::optional<Semaphore> parents(key);
  REQUIRE(parents->try_acquire());
  const support::Signpost destroyed;
  const support::Signpost looked;
  support::Child child([&] {
    parents.reset();
    destroyed.reach();
    looked.wait_for();
    return 0;
  });
  destroyed.wait_for();
  CHECK(value_of(*parents, 0) == 0);
  CHECK(value_of(*parents, 1) == 1);
  CHECK_FALSE(another_gets_in(key));
  looked.reach();
  CHECK(child.wait() == 0);
  CHECK(value_of(*parents, 0) == 0);
}

TEST_CASE_METHOD(Scratch, "A handle that goes away gives back what it held") {
  Semaphore other(key);
  {
    Semaphore holder(key);
    REQUIRE(holder.try_acquire());
  }
  CHECK(value_of(other, 0) == 1);
  CHECK(value_of(other, 1) == 1);
}

TEST_CASE_METHOD(Scratch, "Waiting ends at its deadline, without the semaphore") {
  Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  Semaphore waiter(key);
  CHECK_FALSE(waiter.acquire_within(30ms));
  CHECK(waiter.last_holder() == getpid());
  holder.release();
  CHECK(waiter.acquire_within(30ms));
}

TEST_CASE_METHOD(Scratch, "A waiter gets the semaphore when its holder lets go") {
  std::optional<Semaphore> holder(key);
  REQUIRE(holder->try_acquire());
  const support::Signpost waiting;
  support::Child waiter([&] {
    Semaphore mine(key);
    waiting.reach();
    mine.acquire();
    return 0;
  });
  waiting.wait_for();
  CHECK_FALSE(waiter.has_ended());
  holder->release();
  CHECK(waiter.wait() == 0);
}

TEST_CASE_METHOD(Scratch, "A set that is removed under a waiter is an error, not a hang") {
  Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  const support::Signpost waiting;
  support::Child waiter([&] {
    Semaphore mine(key);
    waiting.reach();
    try {
      mine.acquire();
    } catch (const sysv::Removed&) {
      return 7;
    }
    return 0;
  });
  waiting.wait_for();
  holder.remove();
  CHECK(waiter.wait() == 7);
  CHECK_THROWS_AS(holder.try_acquire(), sysv::Removed);
}

TEST_CASE_METHOD(Scratch,
                 "A set that is removed under someone at its gate is an error, not a hang") {
  Semaphore first(key);
  REQUIRE(semctl(first.id(), 2, SETVAL, 1) != -1);
  support::Child comer([&] {
    try {
      const Semaphore mine(key);
    } catch (const sysv::Removed&) {
      return 7;
    }
    return 0;
  });
  CHECK(support::eventually([&] { return Semaphore::status(key)->waiting_at_gate == 1; }));
  first.remove();
  CHECK(comer.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "With every handle counted, one more is an error, not a hang") {
  const Semaphore first(key);
  REQUIRE(semctl(first.id(), 1, SETVAL, 32767) != -1);
  CHECK(in_child([&] {
          try {
            const Semaphore one_too_many(key);
          } catch (const std::system_error& error) {
            return error.code() == std::errc::result_out_of_range ? 7 : 8;
          }
          return 0;
        }) == 7);
  CHECK(value_of(first, 2) == 0);
}

// Takes five seconds: that long one of PHP's may stand still in its sem_get.
TEST_CASE_METHOD(Scratch, "A process that stands still at the gate is an error that names it") {
  const Semaphore first(key);
  REQUIRE(semctl(first.id(), 2, SETVAL, 1) != -1);
  CHECK_THROWS_WITH(Semaphore(key), support::contains("has been opening the semaphore for 5 s"));
}

TEST_CASE_METHOD(Scratch, "A set with fewer than three members is refused with a reason") {
  REQUIRE(semget(static_cast<key_t>(key), 1, 0600 | IPC_CREAT) != -1);
  CHECK_THROWS_WITH(Semaphore(key), support::contains("fewer than three members"));
}

TEST_CASE_METHOD(Scratch, "A capacity that PHP's set cannot hold is refused") {
  CHECK_THROWS_AS(Semaphore(key, sysv::Capacity{0}), std::invalid_argument);
  CHECK_THROWS_AS(Semaphore(key, sysv::Capacity{32768}), std::invalid_argument);
  CHECK(semget(static_cast<key_t>(key), 0, 0) == -1);
}

TEST_CASE_METHOD(Scratch, "A hold ends with its scope, even when the set is gone by then") {
  Semaphore semaphore(key);
  REQUIRE(semaphore.try_acquire());
  { const sysv::Hold hold(semaphore); }
  CHECK(value_of(semaphore, 0) == 1);
  REQUIRE(semaphore.try_acquire());
  {
    const sysv::Hold hold(semaphore);
    semctl(semaphore.id(), 0, IPC_RMID);
  }
  SUCCEED("no exception, no abort");
}

TEST_CASE_METHOD(Scratch, "A look at a set tells who waits, and is no handle of it") {
  CHECK_FALSE(Semaphore::status(key).has_value());
  Semaphore semaphore(key);
  REQUIRE(semaphore.try_acquire());
  support::Child waiter([&] {
    Semaphore mine(key);
    mine.acquire();
    return 0;
  });
  CHECK(support::eventually([&] { return Semaphore::status(key)->waiting == 1; }));
  const auto status = Semaphore::status(key);
  CHECK(status->id == semaphore.id());
  CHECK(status->free_places == 0);
  CHECK(status->handles == 2);
  CHECK(status->gate == 0);
  CHECK(status->last == getpid());
  CHECK(status->waiting_at_gate == 0);
  semaphore.release();
  CHECK(waiter.wait() == 0);
  CHECK(Semaphore::status(key)->free_places == 1);
}

TEST_CASE_METHOD(Scratch,
                 "A set of any size is removed by its key, and has a status from three on") {
  REQUIRE(semget(static_cast<key_t>(key), 1, 0600 | IPC_CREAT) != -1);
  CHECK_FALSE(Semaphore::status(key).has_value());
  CHECK(Semaphore::remove(key));
  CHECK_FALSE(Semaphore::remove(key));
}
