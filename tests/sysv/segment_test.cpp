#include "sysv/segment.hpp"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using support::Scratch;
using sysv::Segment;

namespace {

unsigned long attached(const Segment& segment) {
  shmid_ds status{};
  shmctl(segment.id(), IPC_STAT, &status);
  return status.shm_nattch;
}

}  // namespace

TEST_CASE_METHOD(Scratch, "Where there is no segment, opening finds none and makes none") {
  CHECK_FALSE(Segment::open(key).has_value());
  CHECK_FALSE(Segment::open(key).has_value());
}

TEST_CASE_METHOD(Scratch, "A new segment is all zero, and as large and private as asked") {
  const auto segment = Segment::create(key, 5000, sysv::owner_only);
  REQUIRE(segment.has_value());
  CHECK(segment->bytes().size() == 5000);
  CHECK(std::all_of(segment->bytes().begin(), segment->bytes().end(),
                    [](std::byte b) { return b == std::byte{0}; }));
  shmid_ds status{};
  REQUIRE(shmctl(segment->id(), IPC_STAT, &status) == 0);
  CHECK((status.shm_perm.mode & 0777) == 0600);
}

TEST_CASE_METHOD(Scratch, "Of two that create a segment one gets it, the other can open it") {
  const auto first = Segment::create(key, 5000);
  CHECK_FALSE(Segment::create(key, 9000).has_value());
  const auto second = Segment::open(key);
  REQUIRE(second.has_value());
  CHECK(second->id() == first->id());
  CHECK(second->bytes().size() == 5000);
}

TEST_CASE_METHOD(Scratch, "Both ends of a segment see the same bytes") {
  const auto first = Segment::create(key, 64);
  const auto second = Segment::open(key);
  first->bytes()[10] = std::byte{7};
  CHECK(second->bytes()[10] == std::byte{7});
}

TEST_CASE_METHOD(Scratch, "A removed segment is no longer the key's, and its bytes stay readable") {
  auto segment = Segment::create(key, 64);
  CHECK(segment->is_current());
  segment->remove();
  CHECK_FALSE(segment->is_current());
  CHECK(segment->bytes()[0] == std::byte{0});
  const auto anew = Segment::create(key, 64);
  CHECK(anew.has_value());
  CHECK_FALSE(segment->is_current());
  CHECK_NOTHROW(segment->remove());
}

TEST_CASE_METHOD(Scratch, "A segment lets go of its memory once, wherever it was moved to") {
  auto segment = Segment::create(key, 64);
  const auto watcher = Segment::open(key);
  REQUIRE(attached(*watcher) == 2);
  {
    Segment moved = std::move(*segment);
    CHECK(attached(*watcher) == 2);
    CHECK(moved.bytes().size() == 64);
  }
  segment.reset();
  CHECK(attached(*watcher) == 1);
}

TEST_CASE_METHOD(Scratch, "A segment that another user keeps private is an error with a reason") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const auto segment = Segment::create(key, 64);
  CHECK(support::in_child([&] {
          if (setuid(65534) != 0) return 1;
          try {
            (void)Segment::open(key);
          } catch (const std::system_error& error) {
            return error.code() == std::errc::permission_denied ? 7 : 8;
          }
          return 0;
        }) == 7);
}

TEST_CASE_METHOD(Scratch, "A size that the kernel refuses is an error with a reason") {
  CHECK_THROWS_WITH(Segment::create(key, 0), support::contains("kernel.shmmax"));
}

TEST_CASE_METHOD(Scratch, "A segment that may only be read opens to look at, not to write") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const auto segment = Segment::create(key, 64, sysv::Access{0644});
  segment->bytes()[5] = std::byte{7};
  CHECK(support::in_child([&] {
          if (setuid(65534) != 0) return 1;
          const auto seen = Segment::open_to_read(key);
          if (!seen || seen->bytes()[5] != std::byte{7}) return 2;
          if (!Segment::open_to_read(key, seen->id())) return 3;
          try {
            (void)Segment::open(key);
          } catch (const std::system_error&) {
            return 7;
          }
          return 4;
        }) == 7);
}

TEST_CASE_METHOD(Scratch, "A segment is removed by its key, and once") {
  const auto segment = Segment::create(key, 64);
  CHECK(Segment::remove(key));
  CHECK_FALSE(segment->is_current());
  CHECK_FALSE(Segment::remove(key));
  CHECK_FALSE(Segment::open_to_read(key).has_value());
}
