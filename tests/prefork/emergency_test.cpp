#include "prefork/emergency.hpp"

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Emergency;

namespace {

constexpr Emergency::Time start{};

}  // namespace

TEST_CASE("As many crashes as the threshold within the interval are an emergency, and no fewer") {
  Emergency emergency({.emergency_restart_threshold = 3, .emergency_restart_interval = 10s});
  CHECK_FALSE(emergency.crashed(start));
  CHECK_FALSE(emergency.crashed(start + 5s));
  CHECK(emergency.crashed(start + 10s));
}

TEST_CASE("Crashes of longer ago do not count") {
  Emergency emergency({.emergency_restart_threshold = 2, .emergency_restart_interval = 10s});
  CHECK_FALSE(emergency.crashed(start));
  CHECK_FALSE(emergency.crashed(start + 11s));
  CHECK(emergency.crashed(start + 12s));
}

TEST_CASE("After an emergency the count begins anew") {
  Emergency emergency({.emergency_restart_threshold = 2, .emergency_restart_interval = 10s});
  CHECK_FALSE(emergency.crashed(start));
  CHECK(emergency.crashed(start));
  CHECK_FALSE(emergency.crashed(start));
}

TEST_CASE("Without a threshold nothing is an emergency") {
  Emergency emergency({.emergency_restart_interval = 10s});
  for (int i = 0; i < 99; ++i) CHECK_FALSE(emergency.crashed(start));
}
