#include "sysv/owner.hpp"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/scratch.hpp"

using support::Scratch;
using sysv::Owner;

TEST_CASE_METHOD(Scratch, "The owner of a set and of a segment is known, with what they allow") {
  const int set = semget(scratch.number(), 3, IPC_CREAT | 0640);
  const int segment = shmget(scratch.number(), 4096, IPC_CREAT | 0600);
  REQUIRE(set != -1);
  REQUIRE(segment != -1);
  const auto of_set = sysv::owner_of_set(key);
  const auto of_segment = sysv::owner_of_segment(key);
  REQUIRE(of_set);
  REQUIRE(of_segment);
  CHECK(of_set->user == geteuid());
  CHECK(of_set->group == getegid());
  CHECK(of_set->access == sysv::Access{0640});
  CHECK(of_segment->user == geteuid());
  CHECK(of_segment->access == sysv::Access{0600});
}

TEST_CASE_METHOD(Scratch, "The owner of an object that may not be used is known all the same") {
  if (support::lacks_root()) return;  // only root can give an object away
  const int set = semget(scratch.number(), 3, IPC_CREAT | 0600);
  semid_ds status{};
  REQUIRE(semctl(set, 0, IPC_STAT, &status) == 0);
  status.sem_perm.uid = 4711;
  status.sem_perm.mode = 0;
  REQUIRE(semctl(set, 0, IPC_SET, &status) == 0);
  const auto owner = sysv::owner_of_set(key);
  REQUIRE(owner);
  CHECK(owner->user == 4711);
  CHECK(owner->access == sysv::Access{0});
}

TEST_CASE_METHOD(Scratch, "What does not exist has no owner") {
  CHECK_FALSE(sysv::owner_of_set(key));
  CHECK_FALSE(sysv::owner_of_segment(key));
}

TEST_CASE("An owner is a name where it has one, a number where not, and a mode in octal") {
  CHECK(text_of(Owner{.user = 0, .group = 0, .access = sysv::Access{0600}}) == "root, mode 0600");
  CHECK(text_of(Owner{.user = 4711, .group = 0, .access = sysv::Access{0}}) == "4711, mode 0000");
}
