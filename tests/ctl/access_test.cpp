#include "ctl/access.hpp"

#include "ctl/failure.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "sysv/semaphore.hpp"

using support::Scratch;

namespace {

const ctl::Page page = {
    "work", {}, "", {{"--no-lock", "", ""}, {"--create", "", ""}, {"--wait", "S", ""}}, "", ""};

int code_of(const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const ctl::Failure& failure) {
    return static_cast<int>(failure.code());
  }
}

struct Lock : Scratch {
  bool worked = false;

  int under_lock(const std::vector<std::string>& words) {
    worked = false;
    return code_of([&] { ctl::under_lock({page, words}, key, [this] { worked = true; }); });
  }
};

}  // namespace

TEST_CASE_METHOD(Lock, "Work under a lock wants a set, or --create, or --no-lock") {
  CHECK(under_lock({}) == 1);
  CHECK_FALSE(worked);
  CHECK(under_lock({"--no-lock"}) == 0);
  CHECK(worked);
  CHECK_FALSE(sysv::Semaphore::status(key).has_value());
  CHECK(under_lock({"--create"}) == 0);
  CHECK(worked);
  CHECK(under_lock({}) == 0);
  CHECK(worked);
  CHECK(sysv::Semaphore::status(key)->free_places == 1);
  CHECK(sysv::Semaphore::status(key)->handles == 0);
}

TEST_CASE_METHOD(Lock, "Work is not done while another holds the lock") {
  sysv::Semaphore other(key);
  REQUIRE(other.try_acquire());
  CHECK(under_lock({"--wait", "0"}) == 75);
  CHECK_FALSE(worked);
  other.release();
  CHECK(under_lock({"--wait", "0"}) == 0);
}

TEST_CASE_METHOD(Lock, "Work is not done under a lock that lets several in") {
  const sysv::Semaphore wide(key, sysv::Capacity{2});
  CHECK(under_lock({}) == 69);
  CHECK_FALSE(worked);
  CHECK(under_lock({"--no-lock"}) == 0);
}

TEST_CASE_METHOD(Scratch, "A segment that is not there is the answer no") {
  CHECK(code_of([&] { (void)ctl::segment_to_read(key); }) == 1);
  CHECK(code_of([&] { (void)ctl::segment_to_write(key); }) == 1);
}

TEST_CASE_METHOD(Scratch, "A snapshot is a copy of the bytes") {
  const auto segment = sysv::Segment::create(key, 64);
  segment->bytes()[7] = std::byte{7};
  const auto copy = ctl::snapshot(*segment);
  segment->bytes()[7] = std::byte{8};
  CHECK(copy.size() == 64);
  CHECK(copy[7] == std::byte{7});
}

TEST_CASE_METHOD(Scratch, "A diagnosis looks at the segment and not at an older copy") {
  const auto segment = sysv::Segment::create(key, 400);
  auto variables = sysv::Variables::of(segment->bytes(), 1);
  variables.put(0, "i:5;");
  CHECK(ctl::patient_diagnosis(*segment).is_sound());
  segment->bytes()[24] = std::byte{1};
  CHECK_FALSE(ctl::patient_diagnosis(*segment).is_sound());
}
