#include "prefork/premises.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"

using prefork::Premises;
using std::filesystem::exists;
using support::connection_to;

namespace {

struct Place {
  support::Folder folder;
  Premises::Settings settings{.interlock = "premises test " + std::to_string(getpid()),
                              .pid_file = folder / "visits.pid",
                              .endpoint = {.address = folder / "visits.sock"},
                              .status = os::Endpoint{.address = folder / "status.sock"}};
  os::Inheritance nothing{};

  auto files() const {
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
  }

  bool is_unharmed() const {
    return connection_to(settings.endpoint.address) && connection_to(settings.status->address) &&
           support::contents_of(settings.pid_file) == std::to_string(getpid());
  }
};

}  // namespace

TEST_CASE_METHOD(Place, "A pool's premises are its own, and leave no trace") {
  {
    const Premises premises(settings, nothing);
    CHECK(is_unharmed());
  }
  CHECK(files() == 0);
}

TEST_CASE_METHOD(Place, "Premises that share one thing with others are refused, and harm nobody") {
  const Premises premises(settings, nothing);
  Premises::Settings other{.interlock = settings.interlock + "0",
                           .pid_file = folder / "other.pid",
                           .endpoint = {.address = folder / "other.sock"}};
  const int shared = GENERATE(0, 1, 2, 3);
  const auto before = files();
  if (shared == 0) other.interlock = settings.interlock;
  if (shared == 1) other.pid_file = settings.pid_file;
  if (shared == 2) other.endpoint = settings.endpoint;
  if (shared == 3) other.status = settings.status;
  CHECK_THROWS(Premises(other, nothing));
  CHECK(files() == before);
  CHECK(is_unharmed());
}

// In a child, because an exec ends no object's life.
TEST_CASE_METHOD(Place,
                 "The next image is at home in the same premises, without taking them anew") {
  CHECK(support::in_child([&] {
          auto* const old = new Premises(settings, nothing);
          const os::Descriptor early = connection_to(settings.endpoint.address);
          os::Handover handover;
          old->hand_over(handover);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          auto inheritance = os::Inheritance::claim();
          const Premises next(settings, inheritance);
          if (next.listening_fd() != old->listening_fd() || next.status_fd() != old->status_fd()) {
            return 1;
          }
          if (!old->relay().send(early) || !next.relay().receive()) return 3;
          return support::is_readable(next.listening_fd()) && is_unharmed() ? 0 : 2;
        }) == 0);
  CHECK(files() == 0);
}

TEST_CASE_METHOD(Place,
                 "A rehearsal allows what is held already, and what is free, and leaves it") {
  const Premises premises(settings, nothing);
  os::Handover held;
  premises.hand_over(held);
  CHECK_NOTHROW(Premises::rehearse(settings, held));
  settings.interlock += "0";
  settings.pid_file = folder / "other.pid";
  settings.endpoint.address = folder / "other.sock";
  CHECK_NOTHROW(Premises::rehearse(settings, held));
  CHECK(files() == 3);
}

TEST_CASE_METHOD(Place, "A rehearsal refuses an endpoint the address that the other one has") {
  const Premises premises(settings, nothing);
  os::Handover held;
  premises.hand_over(held);
  const std::string elsewhere = folder / "elsewhere.sock";
  const bool is_for_pages = GENERATE(true, false);
  const std::string address = is_for_pages ? settings.endpoint.address : settings.status->address;
  Premises::Settings next = settings;
  next.endpoint.address = is_for_pages ? elsewhere : address;
  next.status->address = is_for_pages ? address : elsewhere;
  CHECK_THROWS_WITH(Premises::rehearse(next, held),
                    support::contains("listen " + address + ": the pool listens there already"));
  CHECK(is_unharmed());
  CHECK(files() == 3);
}

TEST_CASE_METHOD(Place, "A rehearsal refuses what others hold") {
  const Premises others(settings, nothing);
  const os::Handover held;
  Premises::Settings mine{.endpoint = {.address = folder / "mine.sock"}};
  const int shared = GENERATE(0, 1, 2, 3);
  if (shared == 0) mine.interlock = settings.interlock;
  if (shared == 1) mine.pid_file = settings.pid_file;
  if (shared == 2) mine.endpoint = settings.endpoint;
  if (shared == 3) mine.status = settings.status;
  CHECK_THROWS(Premises::rehearse(mine, held));
  CHECK(is_unharmed());
}

TEST_CASE_METHOD(Place, "Who never comes to be at home leaves no files of what was handed over") {
  CHECK(support::in_child([&] {
          os::Handover handover;
          (new Premises(settings, nothing))->hand_over(handover);
          setenv(os::Handover::variable, handover.text().c_str(), 1);
          auto inheritance = os::Inheritance::claim();
          Premises::give_up(inheritance);
          return 0;
        }) == 0);
  CHECK(files() == 0);
}
