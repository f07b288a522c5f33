#include "sysv/semaphore.hpp"

#include <sys/ipc.h>
#include <sys/sem.h>

#include <csignal>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using support::php;
using support::Scratch;
using sysv::Semaphore;

namespace {

std::string number(sysv::Key key) { return std::to_string(static_cast<int>(key)); }

// A PHP process that holds the semaphore until it is told to end.
support::Program php_holder(sysv::Key key, const support::Folder& folder) {
  return {
      {"php", "-r",
       "$s = sem_get(" + number(key) + "); sem_acquire($s); echo 'held'; fgets(STDIN); sleep(60);"},
      folder / "php.log"};
}

// A PHP process with the semaphore $s, doing that.
support::Program php_with(sysv::Key key, const support::Folder& folder, const std::string& code) {
  return {{"php", "-r", "$s = sem_get(" + number(key) + ", 1, 0600); echo 'ready '; " + code},
          folder / "php.log"};
}

}  // namespace

TEST_CASE_METHOD(Scratch, "PHP finds our semaphore held, and free again") {
  Semaphore ours(key);
  const std::string attempt = "var_dump(sem_acquire(sem_get(" + number(key) + "), true));";
  REQUIRE(ours.try_acquire());
  CHECK(php(attempt) == "bool(false)\n");
  ours.release();
  CHECK(php(attempt) == "bool(true)\n");
}

TEST_CASE_METHOD(Scratch, "We find PHP's semaphore held, and free once PHP is killed") {
  const support::Folder folder;
  support::Program holder = php_holder(key, folder);
  REQUIRE(support::eventually([&] { return holder.log() == "held"; }));
  Semaphore ours(key);
  CHECK_FALSE(ours.acquire_within(50ms));
  CHECK(ours.last_holder() == holder.pid());
  holder.signal(SIGKILL);
  holder.wait();
  CHECK(ours.acquire_within(5000ms));
}

TEST_CASE_METHOD(Scratch, "A handle of PHP's that comes and goes leaves our hold alone") {
  Semaphore ours(key);
  REQUIRE(ours.try_acquire());
  for (int i = 0; i < 3; ++i) php("$s = sem_get(" + number(key) + ");");
  CHECK(semctl(ours.id(), 0, GETVAL) == 0);
  CHECK(semctl(ours.id(), 1, GETVAL) == 1);
  CHECK(semctl(ours.id(), 2, GETVAL) == 0);
}

TEST_CASE_METHOD(Scratch, "Who waits in PHP gets the semaphore when we give it back") {
  const support::Folder folder;
  Semaphore ours(key);
  REQUIRE(ours.try_acquire());
  support::Program waiter = php_with(key, folder, "var_dump(sem_acquire($s), sem_release($s));");
  REQUIRE(support::eventually([&] { return Semaphore::status(key)->waiting == 1; }));
  ours.release();
  CHECK(waiter.wait() == 0);
  CHECK(waiter.log() == "ready bool(true)\nbool(true)\n");
}

TEST_CASE_METHOD(Scratch, "Who waits here gets the semaphore when PHP gives it back") {
  const support::Folder folder;
  support::Program holder = php_with(
      key, folder, "sem_acquire($s); echo 'held'; usleep(50000); sem_release($s); sleep(60);");
  REQUIRE(support::eventually([&] { return holder.log() == "ready held"; }));
  Semaphore ours(key);
  CHECK(ours.acquire_within(10s));
  CHECK_FALSE(holder.has_ended());
}

TEST_CASE_METHOD(Scratch, "A set that we remove is false to who waits in PHP, and PHP warns") {
  const support::Folder folder;
  Semaphore ours(key);
  REQUIRE(ours.try_acquire());
  support::Program waiter = php_with(key, folder, "var_dump(sem_acquire($s));");
  REQUIRE(support::eventually([&] { return Semaphore::status(key)->waiting == 1; }));
  ours.remove();
  CHECK(waiter.wait() == 0);
  CHECK_THAT(waiter.log(), support::contains("Identifier removed") && support::contains("(false)"));
}

TEST_CASE_METHOD(Scratch,
                 "A set that PHP removes is an error to who waits here, and to PHP's next") {
  Semaphore ours(key);
  REQUIRE(ours.try_acquire());
  support::Child waiter([&] {
    try {
      Semaphore(key).acquire();
    } catch (const sysv::Removed&) {
      return 7;
    }
    return 0;
  });
  REQUIRE(support::eventually([&] { return Semaphore::status(key)->waiting == 1; }));
  CHECK(php("$s = sem_get(" + number(key) +
            ", 1, 0600); var_dump(sem_remove($s), "
            "@sem_remove($s));") == "bool(true)\nbool(false)\n");
  CHECK(waiter.wait() == 7);
  CHECK_THROWS_AS(ours.release(), sysv::Removed);
}

// PHP takes the capacity as it is, and says nothing.
TEST_CASE_METHOD(Scratch,
                 "A capacity that PHP has set otherwise is told to us, and ours not to PHP") {
  const support::Folder folder;
  support::Program first(
      {"php", "-r", "$s = sem_get(" + number(key) + ", 3); echo 'ready'; sleep(60);"},
      folder / "php.log");
  REQUIRE(support::eventually([&] { return first.log() == "ready"; }));
  CHECK(Semaphore(key).agreement() == Semaphore::Agreement::larger);
  CHECK(Semaphore(key, sysv::Capacity{3}).agreement() == Semaphore::Agreement::none_against);
  CHECK(Semaphore(key, sysv::Capacity{9}).agreement() == Semaphore::Agreement::smaller);
  first.signal(SIGKILL);
  first.wait();
  const Semaphore ours(key, sysv::Capacity{2});
  CHECK(php("$s = sem_get(" + number(key) +
            ", 5); for ($i = 0; $i < 3; ++$i) echo "
            "json_encode(sem_acquire($s, true)), ' ';") == "true true false ");
}

// PHP's next sem_get waits for ever then: it leaves a gate that it is not in.
TEST_CASE_METHOD(Scratch,
                 "With 32767 handles of PHP's alive one more of ours is an error at once") {
  const support::Folder folder;
  support::Program crowd({"php", "-r",
                          "for ($i = 0; $i < 32767; ++$i) sem_get(" + number(key) +
                              ", 1, 0600, false); echo 'full'; sleep(60);"},
                         folder / "php.log");
  REQUIRE(support::eventually([&] { return crowd.log() == "full"; }));
  CHECK_THROWS_WITH(Semaphore(key), support::contains("32767 handles are open already"));
  CHECK(Semaphore::status(key)->gate == 0);
}
