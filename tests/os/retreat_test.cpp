#include "os/retreat.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

using os::Handover;
using os::Inheritance;
using os::Retreat;
using support::contents_of;
using support::in_child;

namespace {

const std::string configuration = "[global]\n[www]\n";

// What an image hands over, if that file were it.
Handover handover_of(const char* file) {
  Handover handover;
  (new Retreat(configuration))->hand_over(handover);  // an exec ends no object's life
  const int image = handover.withdraw(Inheritance::image_before)->fd;
  dup2(os::Descriptor(open(file, O_PATH)).get(), image);
  handover.give(Inheritance::image_before, image);
  return handover;
}

// What an image finds whose predecessor has handed that over.
Inheritance inheritance_of(const Handover& handover) {
  setenv(Handover::variable, handover.text().c_str(), 1);
  return Inheritance::claim();
}

// What this image finds when one after it has failed.
Inheritance inheritance_of_failure(const std::string& why) {
  Handover handover;
  (new Retreat(configuration))->hand_over(handover);
  handover.withdraw(Inheritance::image_before);
  handover.annotate(Inheritance::configuration_before, why);
  return inheritance_of(handover);
}

}  // namespace

TEST_CASE("A retreat leads to the file that runs, and to what it goes by") {
  const Retreat retreat(configuration);
  Handover handover;
  retreat.hand_over(handover);
  struct stat running {};
  REQUIRE(stat("/proc/self/exe", &running) == 0);
  const Handover::Item* const image = handover.find(Inheritance::image_before);
  REQUIRE(image != nullptr);
  CHECK(image->inode == running.st_ino);
  CHECK(image->device == running.st_dev);
  const Handover::Item* const text = handover.find(Inheritance::configuration_before);
  REQUIRE(text != nullptr);
  CHECK(contents_of("/proc/self/fd/" + std::to_string(text->fd)) == configuration);
}

// A shell stands for the image before.
TEST_CASE("The image before runs again in the same process, with all that was handed over") {
  const support::Folder folder;
  const std::string output = folder / "output";
  const int code = in_child([&] {
    const int held = open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    Handover handover = handover_of("/bin/sh");
    const int image = handover.find(Inheritance::image_before)->fd;
    handover.give("held", held);
    Inheritance inheritance = inheritance_of(handover);
    inheritance.take("held");  // and lets go of it
    std::string why = "a file is gone";
    Retreat::beat(
        inheritance,
        {"sh", "-c",
         "test -e /proc/self/fd/" + std::to_string(image) +
             " && exit 1; echo $$ \"$VISITS_HANDOVER\" > /proc/self/fd/" + std::to_string(held)},
        why);
    return 2;
  });
  CHECK(code == 0);
  const std::string text = contents_of(output);
  CHECK_THAT(text, support::contains(",held,") &&
                       support::contains(",configuration%20before,a%20file%20is%20gone"));
  CHECK_THAT(text, !support::contains("image"));
  const auto told =
      Handover::parse(text.substr(text.find(' ') + 1, text.rfind('\n') - text.find(' ') - 1));
  REQUIRE(told);
  CHECK(std::to_string(told->process()) == text.substr(0, text.find(' ')));
}

TEST_CASE("An image that runs again knows why, and has no way back itself") {
  CHECK(in_child([] {
          Inheritance inheritance = inheritance_of_failure("a user; gone");
          if (inheritance.refusal() != "a user; gone" || !inheritance.is_succession()) return 1;
          std::string why = "again";
          Retreat::beat(inheritance, {"sh", "-c", "exit 2"}, why);
          return why == "again" ? 0 : 3;
        }) == 0);
}

TEST_CASE("A way back that is none ends the reason, and nothing more") {
  CHECK(in_child([] {
          Inheritance inheritance = inheritance_of(handover_of("/dev/null"));
          std::string why = "a file is gone";
          Retreat::beat(inheritance, {"none"}, why);
          return why.starts_with("a file is gone; and there is no way back: ") ? 0 : 1;
        }) == 0);
}

TEST_CASE("Where the way back is none, what was taken can be taken again, to be given up") {
  CHECK(in_child([] {
          Handover handover = handover_of("/dev/null");
          const int held = open("/dev/null", O_RDONLY);
          handover.give("held", held, "the note");
          Inheritance inheritance = inheritance_of(handover);
          inheritance.take("held");
          bool is_settled = false;
          inheritance.once_settled([&] { is_settled = true; });
          std::string why = "a file is gone";
          Retreat::beat(inheritance, {"none"}, why);
          if (inheritance.unsettled() || is_settled) return 1;
          const auto again = inheritance.take("held");
          return again && again->fd.get() == held && again->note == "the note" ? 0 : 2;
        }) == 0);
}

TEST_CASE("A reason is cut before it is too long for an environment") {
  const support::Folder folder;
  const std::string output = folder / "output";
  CHECK(in_child([&] {
          Handover handover;
          (new Retreat(configuration))->hand_over(handover);
          const int image = handover.withdraw(Inheritance::image_before)->fd;
          dup2(os::Descriptor(open("/bin/sh", O_PATH)).get(), image);
          handover.give(Inheritance::image_before, image);
          Inheritance inheritance = inheritance_of(handover);
          std::string why(1000000, 'x');
          Retreat::beat(inheritance, {"sh", "-c", "exit 0"}, why);
          return 1;
        }) == 0);
}
