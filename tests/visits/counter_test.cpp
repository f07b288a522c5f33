#include "visits/counter.hpp"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <csignal>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "sysv/value.hpp"
#include "visits/counter.hpp"

using namespace std::chrono_literals;
using support::Scratch;
using visits::Counter;

namespace {

struct Counting : Scratch {
  std::vector<std::string> notices;

  Counter::Settings settings() const { return {.key = key, .patience = 100ms}; }
  Counter counter() {
    return {settings(), [this](const std::string& text) { notices.push_back(text); }};
  }
};

void nothing(const std::string&) {}

std::string bytes_of(const sysv::Segment& segment) {
  return {reinterpret_cast<const char*>(segment.bytes().data()), segment.bytes().size()};
}

}  // namespace

TEST_CASE_METHOD(Counting, "The first visit is number one, and the next one more") {
  Counter mine = counter();
  CHECK(mine.count() == 0);
  CHECK(mine.add_visit() == 1);
  CHECK(mine.add_visit() == 2);
  CHECK(mine.count() == 2);
  CHECK(notices.empty());
}

TEST_CASE_METHOD(Counting, "A counter goes on where another process left off") {
  CHECK(support::in_child([&] {
          Counter theirs(settings(), nothing);
          return static_cast<int>(theirs.add_visit());
        }) == 1);
  CHECK(counter().add_visit() == 2);
}

TEST_CASE_METHOD(Counting,
                 "The fourth visit brings a count forward that many variables are before") {
  const auto segment = sysv::Segment::create(key, 10000);
  sysv::Variables variables = sysv::Variables::of(segment->bytes(), 1);
  for (int number = 1; number < 100; ++number) variables.put(number, "N;");
  Counter mine = counter();
  for (std::int64_t visit = 1; visit < 7; ++visit) {
    CHECK(mine.add_visit() == visit);
    const auto all = sysv::Variables(segment->bytes()).all();
    CHECK(all.size() == 100);
    CHECK((visit < 4 ? all.back() : all.front()).key == 0);
  }
}

TEST_CASE_METHOD(Counting, "Processes that count at once lose no visit") {
  constexpr int processes = 4;
  constexpr int visits = 500;
  std::vector<std::unique_ptr<support::Child>> children;
  for (int i = 0; i < processes; ++i) {
    children.push_back(std::make_unique<support::Child>([&] {
      Counter theirs({.key = key}, nothing);
      for (int n = 0; n < visits; ++n) theirs.add_visit();
      return 0;
    }));
  }
  for (const auto& child : children) CHECK(child->wait() == 0);
  CHECK(counter().count() == processes * visits);
}

TEST_CASE_METHOD(Counting,
                 "Killed at any moment, a process has counted what it said, or one more") {
  std::mt19937 random(7);
  std::int64_t counted = 0;
  for (int round = 0; round < 40; ++round) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    support::Child child([&] {
      Counter theirs({.key = key}, nothing);
      for (;;) {
        const std::int64_t count = theirs.add_visit();
        if (write(pipe_ends[1], &count, sizeof count) != sizeof count) return 1;
      }
    });
    std::int64_t acknowledged = counted;
    REQUIRE(read(pipe_ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged);
    for (auto spin = random() % 20000; spin > 0; --spin)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    child.signal(SIGKILL);
    CHECK(child.wait() == 128 + SIGKILL);
    close(pipe_ends[1]);
    while (read(pipe_ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    close(pipe_ends[0]);
    counted = counter().count();
    CHECK(counted >= acknowledged);
    CHECK(counted <= acknowledged + 1);
  }
  CHECK(counter().add_visit() == counted + 1);
}

TEST_CASE_METHOD(Counting, "A lock that stays held is an error that names its holder") {
  sysv::Semaphore holder(key);
  REQUIRE(holder.try_acquire());
  CHECK_THROWS_WITH(counter().add_visit(),
                    support::contains("still held, by process " + std::to_string(getpid())));
  holder.release();
  CHECK(counter().add_visit() == 1);
}

TEST_CASE_METHOD(Counting, "A semaphore that lets several in is an error, as long as it does") {
  std::optional<sysv::Semaphore> wide(std::in_place, key, sysv::Capacity{3});
  Counter mine = counter();
  CHECK_THROWS_WITH(mine.add_visit(), support::contains("lets several in at once"));
  wide.reset();
  CHECK(mine.add_visit() == 1);
}

TEST_CASE_METHOD(Counting, "A segment that was removed is noticed, made anew, and said") {
  Counter mine = counter();
  mine.add_visit();
  mine.add_visit();
  shmctl(shmget(static_cast<key_t>(key), 0, 0), IPC_RMID, nullptr);
  CHECK(mine.add_visit() == 1);
  REQUIRE(notices.size() == 1);
  CHECK_THAT(notices[0], support::contains("segment was removed, the count last seen was 2"));
}

TEST_CASE_METHOD(Counting, "A semaphore set that was removed is noticed, made anew, and said") {
  Counter mine = counter();
  mine.add_visit();
  semctl(semget(static_cast<key_t>(key), 0, 0), 0, IPC_RMID);
  CHECK(mine.add_visit() == 2);
  REQUIRE(notices.size() == 1);
  CHECK_THAT(notices[0], support::contains("semaphore set was removed; made anew"));
}

TEST_CASE_METHOD(Counting, "Another program's segment is refused, byte for byte as it was") {
  auto foreign = sysv::Segment::create(key, 4096);
  std::memcpy(foreign->bytes().data() + 100, "precious", 8);
  const std::string before = bytes_of(*foreign);
  Counter mine = counter();
  CHECK_THROWS_WITH(mine.add_visit(), support::contains("4096 bytes) was left as it is: not a "
                                                        "table of PHP's"));
  CHECK(bytes_of(*foreign) == before);
  foreign->remove();
  CHECK(mine.add_visit() == 1);
}

TEST_CASE_METHOD(Counting, "A damaged table is an error each time, and healed when it is gone") {
  Counter mine = counter();
  mine.add_visit();
  auto segment = sysv::Segment::open(key);
  std::memset(segment->bytes().data() + sysv::layout::header::end, 0x7f, 8);
  CHECK_THROWS_WITH(mine.add_visit(), support::contains("header: end"));
  CHECK_THROWS_WITH(mine.count(), support::contains("header: end"));
  segment->remove();
  CHECK(mine.add_visit() == 1);
}

TEST_CASE_METHOD(Counting, "A variable 0 that is no integer is left as it is") {
  auto segment = sysv::Segment::create(key, 10000);
  sysv::Variables::of(segment->bytes(), 1).put(0, "s:3:\"abc\";");
  CHECK_THROWS_WITH(counter().add_visit(), support::contains("not an integer but s:3:\"abc\";"));
  CHECK(sysv::Variables(segment->bytes()).get(0) == "s:3:\"abc\";");
}

TEST_CASE_METHOD(Counting, "The largest count is the end, not the start of negative ones") {
  auto segment = sysv::Segment::create(key, 10000);
  sysv::Variables variables = sysv::Variables::of(segment->bytes(), 1);
  variables.put(0, sysv::serialized(std::numeric_limits<std::int64_t>::max() - 1));
  Counter mine = counter();
  CHECK(mine.add_visit() == std::numeric_limits<std::int64_t>::max());
  CHECK_THROWS_WITH(mine.add_visit(), support::contains("at its end"));
  CHECK(mine.count() == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE_METHOD(Counting, "No permission is known before the first visit") {
  if (support::lacks_root()) return;  // only root can become somebody else
  counter().add_visit();
  CHECK_NOTHROW(visits::require_access(settings()));
  CHECK(support::in_child([&] {
          if (setuid(65534) != 0) return 1;
          try {
            visits::require_access(settings());
          } catch (const std::system_error& error) {
            return error.code() == std::errc::permission_denied ? 7 : 8;
          }
          return 0;
        }) == 7);
}
