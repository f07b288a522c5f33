#include "os/throttle.hpp"

#include <string>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using os::Throttle;

namespace {
const Throttle::Time start = Throttle::Time{} + 1h;
}

TEST_CASE("A text that comes all the time is said once a second, with its count") {
  Throttle throttle;
  CHECK(throttle.pass("trouble", start) == "trouble");
  CHECK_FALSE(throttle.pass("trouble", start + 1ms).has_value());
  CHECK_FALSE(throttle.pass("trouble", start + 999ms).has_value());
  CHECK(throttle.pass("trouble", start + 1s) == "trouble (and 2 times more)");
  CHECK(throttle.pass("trouble", start + 3s) == "trouble");
}

TEST_CASE("A text that is new is said at once") {
  Throttle throttle;
  CHECK(throttle.pass("trouble", start) == "trouble");
  CHECK(throttle.pass("another", start) == "another");
  CHECK(throttle.pass("trouble", start) == "trouble");
}
