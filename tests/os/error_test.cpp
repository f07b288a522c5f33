#include "os/error.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include "support/catch.hpp"

namespace {

std::error_code code_of_failure(int error, const std::string& hint) {
  try {
    errno = error;
    os::fail("semget", hint);
  } catch (const std::system_error& failure) {
    return failure.code();
  }
}

}  // namespace

TEST_CASE("A failure says what failed and why") {
  errno = ENOENT;
  CHECK_THROWS_WITH(os::fail("open /etc/nothing"), "open /etc/nothing: No such file or directory");
}

TEST_CASE("A failure's hint follows the reason") {
  errno = ENOSPC;
  CHECK_THROWS_WITH(os::fail("semget", "see kernel.sem"),
                    "semget: No space left on device (see kernel.sem)");
}

TEST_CASE("A failure carries errno, with a hint and without") {
  CHECK(code_of_failure(EACCES, "") == std::errc::permission_denied);
  CHECK(code_of_failure(ENOSPC, "see kernel.sem") == std::errc::no_space_on_device);
}
