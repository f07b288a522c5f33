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

TEST_CASE_METHOD(Scratch, "PHP and we compute one key for one file") {
  const support::Folder folder;
  const std::string file = folder.write("index.php", "");
  CHECK(php("echo ftok('" + file + "', 'p');") == number(sysv::key_of_file(file)));
}
