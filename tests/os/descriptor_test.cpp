#include "os/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "support/catch.hpp"
#include "support/child.hpp"

using os::Descriptor;

namespace {

Descriptor some_file() { return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

}  // namespace

TEST_CASE("A descriptor is closed at the end of its owner's life") {
  std::optional<Descriptor> owner(some_file());
  const int fd = owner->get();
  CHECK(is_open(fd));
  owner.reset();
  CHECK_FALSE(is_open(fd));
}

TEST_CASE("A descriptor that was moved has one owner") {
  Descriptor first = some_file();
  const int fd = first.get();
  {
    const Descriptor second = std::move(first);
    CHECK(second.get() == fd);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): empty is what is promised
  }
  CHECK_FALSE(is_open(fd));
}

TEST_CASE("An assigned descriptor's former file is closed, too") {
  const auto fds = [] {
    Descriptor first = some_file();
    Descriptor second = some_file();
    const std::pair<int, int> both(first.get(), second.get());
    first = std::move(second);
    CHECK(first.get() == both.second);
    return both;
  }();
  CHECK_FALSE(is_open(fds.first));
  CHECK_FALSE(is_open(fds.second));
}

TEST_CASE("A released descriptor stays open") {
  Descriptor owner = some_file();
  const Descriptor other(owner.release());
  CHECK_FALSE(owner);
  owner.close();
  CHECK(is_open(other.get()));
}

TEST_CASE("An owner of no descriptor is empty and closes nothing") {
  Descriptor nothing;
  CHECK_FALSE(nothing);
  CHECK(nothing.get() == -1);
  nothing.close();
  CHECK_FALSE(nothing);
}

TEST_CASE("Closed standard descriptors are occupied, and open ones left alone") {
  CHECK(support::in_child([] {
          const Descriptor file = some_file();
          dup2(file.get(), STDOUT_FILENO);
          close(STDIN_FILENO);
          close(STDERR_FILENO);
          os::occupy_standard_descriptors();
          if (!is_open(STDIN_FILENO) || !is_open(STDERR_FILENO)) return 1;
          return fcntl(STDOUT_FILENO, F_GETFL) == fcntl(file.get(), F_GETFL) ? 0 : 2;
        }) == 0);
}
