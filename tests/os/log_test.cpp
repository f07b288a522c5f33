#include "os/log.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <regex>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"
#include "os/log_file.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

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
  CHECK(line_of(Level::alert, "e") == "ALERT: e\n");
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

TEST_CASE("A level has its name in a configuration, and no other word is one") {
  CHECK(os::level_of("alert") == Level::alert);
  CHECK(os::level_of("debug") == Level::debug);
  CHECK_FALSE(os::level_of("loud"));
}

TEST_CASE("As JSON a line is one object, with Cloud Logging's names") {
  const std::string line = os::json_line_of(Level::error, "a \"b\"\nc \xff");
  const std::regex form(
      R"re(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","severity":"ERROR","pid":\d+,"message":"a \\"b\\"\\nc \\\\xff"\}\n)re");
  INFO(line);
  CHECK(std::regex_match(line, form));
}

namespace {

// What a log configured like that has in its file, after `body` in a child.
std::string logged(os::LogSettings settings, const std::function<void()>& body) {
  const support::Folder folder;
  settings.file = folder / "log";
  support::in_child([&] {
    os::configure_log(settings);
    body();
    return 0;
  });
  return support::contents_of(settings.file);
}

std::string without_time(std::string text) {
  return std::regex_replace(text, std::regex(R"(\[\d\d-\w{3}-\d{4} [\d:]{8}\])"), "[time]");
}

}  // namespace

TEST_CASE("A log writes what is as important as its level, and no less") {
  const auto all = [] {
    for (const Level level : {Level::debug, Level::notice, Level::warning}) os::log(level, "x");
  };
  CHECK(without_time(logged({}, all)) == "[time] NOTICE: x\n[time] WARNING: x\n");
  CHECK(without_time(logged({.level = Level::warning}, all)) == "[time] WARNING: x\n");
  CHECK(without_time(logged({.level = Level::debug}, all)) ==
        "[time] DEBUG: x\n[time] NOTICE: x\n[time] WARNING: x\n");
}

TEST_CASE("A line over the limit goes on in the next, and nothing of it is lost") {
  const std::string text =
      logged({.limit = 512}, [] { os::log(Level::notice, std::string(1000, 'a').append("end")); });
  const std::string head = "[time] NOTICE: ";
  const std::string whole = without_time(text);
  CHECK(whole == head + std::string(481, 'a') + "\n" + head + std::string(481, 'a') + "\n" + head +
                     std::string(38, 'a') + "end\n");
}

TEST_CASE("A trace is said with each line of JSON until there is another") {
  const std::string text = logged({.form = os::Form::json}, [] {
    os::set_log_trace("projects/p/traces/1");
    os::log(Level::notice, "with");
    os::set_log_trace("");
    os::log(Level::notice, "without");
  });
  const auto second = text.find('\n');
  CHECK_THAT(text.substr(0, second),
             support::contains(R"("logging.googleapis.com/trace":"projects/p/traces/1")"));
  CHECK_THAT(text.substr(second), !support::contains("trace"));
}

TEST_CASE("A configured log stays where stderr was when descriptor 2 becomes something else") {
  const support::Folder folder;
  support::in_child([&] {
    const int first = open((folder / "first").c_str(), O_WRONLY | O_CREAT, 0600);
    dup2(first, STDERR_FILENO);
    os::configure_log({});
    const int second = open((folder / "second").c_str(), O_WRONLY | O_CREAT, 0600);
    dup2(second, STDERR_FILENO);
    os::log(Level::notice, "here");
    return 0;
  });
  CHECK(without_time(support::contents_of(folder / "first")) == "[time] NOTICE: here\n");
  CHECK(support::contents_of(folder / "second").empty());
}

TEST_CASE("A log that is opened anew goes on in a new file") {
  const support::Folder folder;
  const std::string path = folder / "log";
  support::in_child([&] {
    os::configure_log({.file = path});
    os::log(Level::notice, "one");
    std::filesystem::rename(path, path + ".1");
    os::reopen_log();
    os::log(Level::notice, "two");
    return 0;
  });
  CHECK(without_time(support::contents_of(path + ".1")) == "[time] NOTICE: one\n");
  CHECK(without_time(support::contents_of(path)) == "[time] NOTICE: two\n");
}

TEST_CASE("A log that cannot be opened anew says so in the old file") {
  const support::Folder folder;
  std::filesystem::create_directory(folder / "sub");
  CHECK(support::in_child([&] {
          os::configure_log({.file = folder / "sub/log"});
          std::filesystem::rename(folder / "sub", folder / "gone");
          return os::reopen_log() ? 1 : 0;
        }) == 0);
  CHECK_THAT(support::contents_of(folder / "gone/log"),
             support::contains("the log goes on in the old file"));
}

TEST_CASE("Lines that a full pipe loses are counted, and said once there is room") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const os::Descriptor out(ends[0]);
  const os::Descriptor in(ends[1]);
  const std::string path = "/proc/self/fd/" + std::to_string(in.get());
  std::string last;
  CHECK(support::in_child([&] {
          os::configure_log({.file = path});
          std::string page(4096, 'x');
          while (os::write_without_waiting(in.get(), page) > 0) {
          }
          for (int i = 0; i < 3; ++i) os::log(Level::notice, "lost");
          while (read(out.get(), page.data(), page.size()) == 4096) {
            int left = 0;
            ioctl(out.get(), FIONREAD, &left);
            if (left == 0) break;
          }
          os::log(Level::notice, "found");
          return 0;
        }) == 0);
  std::array<char, 1024> text{};
  const ssize_t size = read(out.get(), text.data(), text.size());
  CHECK(without_time({text.data(), static_cast<std::size_t>(size)}) ==
        "[time] NOTICE: found\n[time] WARNING: 3 lines were lost\n");
}
