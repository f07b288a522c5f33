#include "os/output.hpp"

#include <unistd.h>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"

using os::Output;
using support::Child;

namespace {

struct Said {
  pid_t child;
  Output::Stream stream;
  std::string line;
  bool operator==(const Said&) const = default;
};

struct Caught {
  std::vector<Said> said;
  Output output{[this](pid_t child, Output::Stream stream, std::string_view line) {
                  said.push_back({child, stream, std::string(line)});
                },
                16};

  void read() {
    output.read(Output::Stream::out);
    output.read(Output::Stream::error);
  }
  std::string lines() const {
    std::string all;
    for (const Said& one : said) all += one.line + "|";
    return all;
  }
};

int write_to(int fd, const std::string& text) {
  return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
}

// A child that writes that to its stderr.
int child_writes(Output& output, const std::string& text) {
  return support::in_child([&] {
    output.catch_mine();
    return write_to(STDERR_FILENO, text);
  });
}

}  // namespace

TEST_CASE("What children write is told by child, stream and line") {
  Caught caught;
  const auto writes = [&](int fd, const std::string& text) {
    Child child([&] {
      caught.output.catch_mine();
      return write_to(fd, text);
    });
    CHECK(child.wait() == 0);
    return child.pid();
  };
  const pid_t first = writes(STDERR_FILENO, "one\ntwo\n");
  const pid_t second = writes(STDERR_FILENO, "three\n");
  const pid_t third = writes(STDOUT_FILENO, "four\n");
  caught.read();
  const auto error = Output::Stream::error;
  CHECK(caught.said == std::vector<Said>{{third, Output::Stream::out, "four"},
                                         {first, error, "one"},
                                         {first, error, "two"},
                                         {second, error, "three"}});
}

TEST_CASE("A line that is begun waits for its end, also while others write") {
  Caught caught;
  const support::Signpost begun;
  const support::Signpost go_on;
  Child slow([&] {
    caught.output.catch_mine();
    write_to(STDERR_FILENO, "half ");
    begun.reach();
    go_on.wait_for();
    return write_to(STDERR_FILENO, "whole\n");
  });
  begun.wait_for();
  child_writes(caught.output, "another\n");
  caught.read();
  CHECK(caught.lines() == "another|");
  caught.output.flush_ended();
  CHECK(caught.lines() == "another|");  // it lives
  go_on.reach();
  CHECK(slow.wait() == 0);
  caught.read();
  CHECK(caught.lines() == "another|half whole|");
}

TEST_CASE("What a child leaves without a newline is said after its end") {
  Caught caught;
  child_writes(caught.output, "last words");
  caught.read();
  CHECK(caught.lines().empty());
  caught.output.flush_ended();
  CHECK(caught.lines() == "last words|");
  caught.output.flush_ended();
  CHECK(caught.said.size() == 1);
}

TEST_CASE("A long line is said in pieces, and nothing of it is lost") {
  Caught caught;
  child_writes(caught.output, "0123456789abcdef0123456789abcdef!\n0123456789abcdef\n\n");
  caught.read();
  CHECK(caught.lines() == "0123456789abcdef|0123456789abcdef|!|0123456789abcdef||");
}

TEST_CASE("A child that writes without end gets a bounded part of the reader's time") {
  Caught caught;
  Child endless([&] {
    caught.output.catch_mine();
    while (write_to(STDERR_FILENO, "and so on\n") == 0) {
    }
    return 0;
  });
  REQUIRE(support::turns_readable(caught.output.fd(Output::Stream::error)));
  for (int i = 0; i < 10; ++i) {
    const std::size_t before = caught.said.size();
    caught.read();
    CHECK(caught.said.size() - before <= 16U * 8192 / 10 + 1);
  }
}

TEST_CASE("Reading what nobody wrote does not wait") {
  Caught caught;
  caught.read();
  CHECK(caught.said.empty());
}

TEST_CASE("A child's line reads as php-fpm has it") {
  CHECK(os::said_by("www", 12, Output::Stream::error, "oh") ==
        "[pool www] child 12 said into stderr: \"oh\"");
  CHECK(os::said_by("www", 12, Output::Stream::out, "") ==
        "[pool www] child 12 said into stdout: \"\"");
}

TEST_CASE("Discarded output is written to nowhere") {
  CHECK(support::in_child([] {
          os::discard_output();
          return write_to(STDOUT_FILENO, "x") + write_to(STDERR_FILENO, "x");
        }) == 0);
}
