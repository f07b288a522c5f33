#include "os/retry.hpp"

#include <cerrno>

#include "support/catch.hpp"

TEST_CASE("An interrupted call is repeated until it is not") {
  int asked = 0;
  const int result = os::retry([&asked] {
    errno = EINTR;
    return ++asked <= 3 ? -1 : 42;
  });
  CHECK(result == 42);
  CHECK(asked == 4);
}

TEST_CASE("A call that fails otherwise is asked once, and its errno left alone") {
  int asked = 0;
  const int result = os::retry([&asked] {
    ++asked;
    errno = EAGAIN;
    return -1;
  });
  CHECK(result == -1);
  CHECK(errno == EAGAIN);
  CHECK(asked == 1);
}
