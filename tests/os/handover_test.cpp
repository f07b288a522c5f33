#include "os/handover.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <system_error>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"

using os::Handover;

namespace {

os::Descriptor open_null() { return os::Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_closed_on_exec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

}  // namespace

TEST_CASE("A handover is read back as it was written, whatever its names and notes") {
  const os::Descriptor file = open_null();
  const std::string odd = GENERATE(std::string(), std::string("/run/visits.sock"),
                                   std::string("a;b,c=d%20 \n\x7f\xff"), std::string("\0x", 2));
  Handover handover;
  handover.give("first", file.get(), odd);
  handover.give(odd, file.get(), "second");
  handover.give_child(7);
  handover.give_child(8);
  handover.give_number(odd, 18446744073709551615U);
  const auto read = Handover::parse(handover.text());
  REQUIRE(read);
  CHECK(read->text() == handover.text());
  CHECK(read->process() == getpid());
  REQUIRE(read->items().size() == 2);
  CHECK(read->items()[0].fd == file.get());
  CHECK(read->items()[0].note == odd);
  CHECK(read->items()[1].name == odd);
  CHECK(read->children() == std::vector<pid_t>{7, 8});
  CHECK(read->numbers() == handover.numbers());
  CHECK(read->find("first") == &read->items()[0]);
  CHECK(read->find("third") == nullptr);
}

TEST_CASE("What no handover writes is none") {
  const std::string text =
      GENERATE("", "1", "2;process=1", "1;process=", "1;process=0", "1;process=-1", "1;process=1x",
               "1;process=99999999999", "1;process=1;", "1;process=1;child=0",
               "1;process=1;child=a", "1;process=1;other=1", "1;process=1;fd=5",
               "1;process=1;fd=5,1,1,a", "1;process=1;fd=2,1,1,a,b", "1;process=1;fd=-5,1,1,a,b",
               "1;process=1;fd=5,x,1,a,b", "1;process=1;fd=5,1,,a,b", "1;process=1;fd=5,1,1,a,b,c",
               "1;process=1;fd=5,1,1,a b,c", "1;process=1;fd=5,1,1,%4,b",
               "1;process=1;fd=5,1,1,%zz,b", "1;process=1;fd=5,1,1,%-1,b", "5=/run/visits.sock",
               "1;process=1;number=", "1;process=1;number=a", "1;process=1;number=a,-1",
               "1;process=1;number=a,1,2", "1;process=1;number=a,18446744073709551616");
  INFO(text);
  CHECK_FALSE(Handover::parse(text));
}

TEST_CASE("A descriptor that is not open cannot be handed over") {
  Handover handover;
  CHECK_THROWS_WITH(handover.give("listen", -1), support::contains("fstat of listen"));
}

TEST_CASE("The next image has the descriptors that were given, and no other") {
  const support::Folder folder;
  const std::string output = folder / "output";
  const int code = support::in_child([&] {
    const os::Descriptor given(open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const os::Descriptor kept = open_null();
    Handover handover;
    handover.give("given", given.get());
    const std::string to = "/proc/self/fd/" + std::to_string(given.get());
    handover.exec("/bin/sh", {"sh", "-c",
                              "test -e /proc/self/fd/" + std::to_string(kept.get()) +
                                  " && exit 1; echo $$ \"$VISITS_HANDOVER\" > " + to});
    return 0;
  });
  CHECK(code == 0);
  CHECK_THAT(support::contents_of(output), support::contains(" 1;process="));
}

TEST_CASE("A program that is open is run from there, and is not open any more when it runs") {
  const support::Folder folder;
  const std::string output = folder / "output";
  const int code = support::in_child([&] {
    const os::Descriptor shell(open("/bin/sh", O_PATH | O_CLOEXEC));
    Handover().exec(shell.get(), {"sh", "-c",
                                  "test -e /proc/self/fd/" + std::to_string(shell.get()) +
                                      " && exit 1; echo \"$VISITS_HANDOVER\" > " + output});
    return 2;
  });
  CHECK(code == 0);
  CHECK_THAT(support::contents_of(output), support::contains("1;process="));
}

TEST_CASE("What is withdrawn does not go along, and a note can be another") {
  const os::Descriptor file = open_null();
  Handover handover;
  handover.give("one", file.get(), "first");
  handover.give("two", file.get(), "second");
  CHECK(handover.withdraw("one")->note == "first");
  CHECK_FALSE(handover.withdraw("one"));
  handover.annotate("two", "third");
  REQUIRE(handover.items().size() == 1);
  CHECK(handover.items()[0].note == "third");
}

TEST_CASE("An exec that fails says why, and changes nothing") {
  const os::Descriptor given = open_null();
  Handover handover;
  handover.give("given", given.get());
  CHECK_THROWS_WITH(handover.exec("/no/such/program", {"program"}),
                    "exec /no/such/program: No such file or directory");
  CHECK(is_closed_on_exec(given.get()));
  CHECK(getenv(Handover::variable) == nullptr);
}

TEST_CASE("A program is asked whether it could take over, or not, or could not read it") {
  CHECK_FALSE(Handover::in_question());
  Handover handover;
  handover.give_child(7);
  setenv(Handover::question, handover.text().c_str(), 1);
  REQUIRE(Handover::in_question());
  CHECK(Handover::in_question()->children() == handover.children());
  setenv(Handover::question, "2;something else", 1);
  CHECK_THROWS_WITH(Handover::in_question(), support::contains("cannot take over"));
  unsetenv(Handover::question);
}
