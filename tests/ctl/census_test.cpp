#include "ctl/census.hpp"

#include <unistd.h>

#include <algorithm>

#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"

TEST_CASE("The kernel's tables are read by the names of their columns") {
  const auto segments = ctl::segments_in(
      "key shmid perms size cpid lpid nattch uid gid\n"
      "1310 7 1600 65536 11 12 2 33 34\n"
      "-5 8 666 10 0 0 0 0 0\n");
  REQUIRE(segments.size() == 2);
  CHECK(segments[0].object.key == sysv::Key{0x51e});
  CHECK(segments[0].object.id == 7);
  CHECK(ctl::text_of_mode(segments[0].object.mode) == "0600");
  CHECK(segments[0].object.uid == 33);
  CHECK(segments[0].object.gid == 34);
  CHECK(segments[0].size == 65536);
  CHECK(segments[0].creator == 11);
  CHECK(segments[0].last == 12);
  CHECK(segments[0].attached == 2);
  CHECK(segments[1].object.key == sysv::Key{-5});
}

TEST_CASE("Lines that are not whole, and tables that are not there, have no entries") {
  CHECK(ctl::sets_in("").empty());
  CHECK(ctl::sets_in("key semid perms nsems\n5 6 600\n").empty());
  CHECK(ctl::sets_in("key semid perms nsems\n5 6 600 3\n")[0].members == 3);
  CHECK(ctl::queues_in("key msqid qnum cbytes lspid lrpid\n5 6 1 2 3 4\n")[0].last_receiver == 4);
}

TEST_CASE_METHOD(support::Scratch, "The census has what was just made") {
  const auto segment = sysv::Segment::create(key, 4096);
  const sysv::Semaphore semaphore(key);
  const auto queue = sysv::Queue::create(key, sysv::Access{0640});
  REQUIRE(queue->try_send(sysv::MessageType{1}, "12345"));
  const ctl::Census census = ctl::census();
  const auto has_key = [&](const auto& entry) { return entry.object.key == key; };
  const auto mine = std::find_if(census.segments.begin(), census.segments.end(), has_key);
  REQUIRE(mine != census.segments.end());
  CHECK(mine->size == 4096);
  CHECK(mine->attached == 1);
  CHECK(mine->creator == getpid());
  const auto set = std::find_if(census.sets.begin(), census.sets.end(), has_key);
  REQUIRE(set != census.sets.end());
  CHECK(set->members == 3);
  const auto line = std::find_if(census.queues.begin(), census.queues.end(), has_key);
  REQUIRE(line != census.queues.end());
  CHECK(line->bytes == 5);
  CHECK(line->last_sender == getpid());
  CHECK(ctl::text_of_mode(line->object.mode) == "0640");
}

TEST_CASE("A user without a name is shown as a number") {
  CHECK(ctl::name_of_user(0) == "root");
  CHECK(ctl::name_of_user(3999999999) == "3999999999");
}
