#include "os/log.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <regex>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using os::Level;
using os::line_of;

namespace {

// What a child writes to stderr with its first write(2): a message each.
std::string first_write_to_stderr(const std::function<void()>& body) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()) == -1) return "socketpair";
  const os::Descriptor mine(ends[0]);
  os::Descriptor theirs(ends[1]);
  support::in_child([&] {
    dup2(theirs.get(), STDERR_FILENO);
    body();
    return 0;
  });
  theirs.close();
  std::array<char, 1024> text{};
  const ssize_t size = recv(mine.get(), text.data(), text.size(), 0);
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace

TEST_CASE("A log line begins with its level, as php-fpm's") {
  CHECK(line_of(Level::debug, "a") == "DEBUG: a\n");
  CHECK(line_of(Level::notice, "b") == "NOTICE: b\n");
  CHECK(line_of(Level::warning, "c") == "WARNING: c\n");
  CHECK(line_of(Level::error, "d") == "ERROR: d\n");
}

TEST_CASE("Control bytes are escaped, so that a log line stays one line") {
  using namespace std::string_view_literals;
  CHECK(line_of(Level::error, "a\nERROR: b\r\t\x1b[31m\x7f\0z"sv) ==
        "ERROR: a\\x0aERROR: b\\x0d\\x09\\x1b[31m\\x7f\\x00z\n");
}

TEST_CASE("Text beyond ASCII is logged as it is") {
  CHECK(line_of(Level::notice, "zähle") == "NOTICE: zähle\n");
}

TEST_CASE("A log line has the time and goes out with one write") {
  const std::string line = first_write_to_stderr([] { os::log(Level::notice, "counting"); });
  const std::regex form(R"(\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\] NOTICE: counting\n)");
  INFO(line);
  CHECK(std::regex_match(line, form));
}

TEST_CASE("A closed stderr loses the line and nothing else") {
  CHECK(support::in_child([] {
          close(STDERR_FILENO);
          os::log(Level::error, "nobody reads this");
          return 7;
        }) == 7);
}

TEST_CASE("A pipe that nobody reads loses lines, and nobody waits") {
  CHECK(support::in_child([] {
          int ends[2];
          if (pipe(ends) == -1 || dup2(ends[1], STDERR_FILENO) == -1) return 1;
          alarm(20);  // ends a child that waits
          for (int i = 0; i < 20000; ++i) os::log(os::Level::notice, "one line of many");
          return 0;
        }) == 0);
}
