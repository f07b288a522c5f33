#include "os/inheritance.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "os/retreat.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using os::Handover;
using os::Inheritance;
using support::in_child;

namespace {

// A descriptor that an exec has left open, so to speak.
int left_open() { return open("/dev/null", O_RDONLY); }

void announce(const Handover& handover) { setenv(Handover::variable, handover.text().c_str(), 1); }

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

}  // namespace

TEST_CASE("What was handed over is taken once, by its name, and closed on the next exec") {
  CHECK(in_child([] {
          const int fd = left_open();
          Handover handover;
          handover.give("file", fd, "the note");
          handover.give_number("reloads", 3);
          announce(handover);
          auto inheritance = Inheritance::claim();
          if (!inheritance.is_succession() || inheritance.take("other")) return 1;
          const auto taken = inheritance.take("file");
          if (!taken || taken->fd.get() != fd || taken->note != "the note") return 2;
          if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) return 3;
          if (inheritance.number("reloads") != 3 || inheritance.number("other") != 0) return 4;
          return inheritance.take("file") ? 5 : 0;
        }) == 0);
}

TEST_CASE("A handover is believed once: nobody finds it in the environment after that") {
  CHECK(in_child([] {
          announce({});
          const bool first = Inheritance::claim().is_succession();
          return first && getenv(Handover::variable) == nullptr &&
                         !Inheritance::claim().is_succession()
                     ? 0
                     : 1;
        }) == 0);
}

TEST_CASE("A handover to another process is not believed: a child may have inherited it") {
  CHECK(in_child([] {
          Handover handover;
          handover.give("file", left_open());
          announce(handover);
          return in_child([] {
            auto inheritance = Inheritance::claim();
            return inheritance.is_succession() || inheritance.take("file") ||
                           getenv(Handover::variable) != nullptr
                       ? 1
                       : 0;
          });
        }) == 0);
}

TEST_CASE("A descriptor that is another file by now is not believed, and left open") {
  CHECK(in_child([] {
          const int fd = left_open();
          const int good = open("/dev/zero", O_RDONLY);
          Handover handover;
          handover.give("file", fd);
          handover.give("good", good);
          announce(handover);
          dup2(good, fd);
          auto inheritance = Inheritance::claim();
          return !inheritance.take("file") && inheritance.take("good") && is_open(fd) ? 0 : 1;
        }) == 0);
}

TEST_CASE("A descriptor that is named twice has one owner") {
  CHECK(in_child([] {
          const int fd = left_open();
          Handover handover;
          handover.give("one", fd);
          handover.give("two", fd);
          announce(handover);
          auto inheritance = Inheritance::claim();
          return inheritance.take("one") && !inheritance.take("two") ? 0 : 1;
        }) == 0);
}

TEST_CASE("Only children of this process are inherited as such") {
  CHECK(in_child([] {
          const support::Signpost end;
          const support::Child child([&] {
            end.wait_for();
            return 0;
          });
          Handover handover;
          handover.give_child(child.pid());
          handover.give_child(getppid());
          announce(handover);
          const auto inheritance = Inheritance::claim();
          end.reach();
          return inheritance.children() == std::vector<pid_t>{child.pid()} ? 0 : 1;
        }) == 0);
}

TEST_CASE("Anything else in the variable is no inheritance") {
  CHECK(in_child([] {
          setenv(Handover::variable, "5=/run/php-fpm.sock", 1);
          return Inheritance::claim().is_succession() ? 1 : 0;
        }) == 0);
}

TEST_CASE("Sockets of systemd are taken only by the process that they are for") {
  const bool ours = GENERATE(true, false);
  CHECK(in_child([ours] {
          dup2(left_open(), 3);
          dup2(left_open(), 4);
          setenv("LISTEN_FDS", "2", 1);
          setenv("LISTEN_PID", std::to_string(ours ? getpid() : getppid()).c_str(), 1);
          setenv("LISTEN_FDNAMES", "a:b", 1);
          auto inheritance = Inheritance::claim();
          if (inheritance.is_succession()) return 1;
          const auto second = inheritance.take(
              Inheritance::of_systemd, [](const auto& given) { return given.fd.get() == 4; });
          const auto first = inheritance.take(Inheritance::of_systemd);
          if (second.has_value() != ours || first.has_value() != ours) return 2;
          return getenv("LISTEN_FDS") == nullptr && getenv("LISTEN_FDNAMES") == nullptr ? 0 : 3;
        }) == 0);
}

TEST_CASE("A number of sockets that cannot be is none") {
  const std::string count = GENERATE("", "x", "-1", "99999999999", "2147483647");
  CHECK(in_child([&] {
          for (int fd = 3; fd < 64; ++fd) close(fd);
          setenv("LISTEN_FDS", count.c_str(), 1);
          setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
          return Inheritance::claim().take(Inheritance::of_systemd) ? 1 : 0;
        }) == 0);
}

TEST_CASE("What nobody takes is closed") {
  CHECK(in_child([] {
          const int fd = left_open();
          Handover handover;
          handover.give("file", fd);
          announce(handover);
          auto inheritance = Inheritance::claim();
          if (!is_open(fd)) return 1;
          inheritance.settle();
          return is_open(fd) ? 2 : 0;
        }) == 0);
}

TEST_CASE("As long as there is a way back, what is taken and let go of stays open where it was") {
  CHECK(in_child([] {
          const int fd = left_open();
          Handover handover;
          handover.give("file", fd, "the note");
          (new os::Retreat("text"))->hand_over(handover);
          announce(handover);
          auto inheritance = Inheritance::claim();
          if (!inheritance.unsettled() || inheritance.refusal()) return 1;
          int copy = -1;
          {
            const auto taken = inheritance.take("file");
            if (!taken || taken->fd.get() == fd || taken->note != "the note") return 2;
            copy = taken->fd.get();
            if ((fcntl(copy, F_GETFD) & FD_CLOEXEC) == 0) return 3;
          }
          if (is_open(copy) || !is_open(fd) || inheritance.take("file")) return 4;
          inheritance.settle();
          return is_open(fd) || inheritance.unsettled() ? 5 : 0;
        }) == 0);
}

TEST_CASE("What cannot be undone is done when there is no way back, in its order") {
  CHECK(in_child([] {
          std::string done;
          Inheritance nothing;
          nothing.once_settled([&] { done += "at once "; });
          Handover handover;
          (new os::Retreat("text"))->hand_over(handover);
          announce(handover);
          auto inheritance = Inheritance::claim();
          inheritance.once_settled([&] { done += "first "; });
          inheritance.once_settled([&] { done += "second"; });
          if (done != "at once ") return 1;
          inheritance.settle();
          return done == "at once first second" ? 0 : 2;
        }) == 0);
}

TEST_CASE("Without a word why, no image runs again: the one before it is missing, and no more") {
  CHECK(in_child([] {
          Handover handover;
          (new os::Retreat("text"))->hand_over(handover);
          const int image = handover.find(Inheritance::image_before)->fd;
          dup2(left_open(), image);
          announce(handover);
          const auto inheritance = Inheritance::claim();
          if (!inheritance.is_succession()) return 1;
          return inheritance.refusal() || inheritance.unsettled() ? 2 : 0;
        }) == 0);
}
