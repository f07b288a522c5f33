#include "os/log_file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"

using os::Descriptor;
using os::LogFile;
using support::contents_of;

namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) == -1) throw std::runtime_error("pipe2");
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(in.get()); }

  Descriptor out;
  Descriptor in;
};

std::string taken_from(const Descriptor& fd, std::size_t most = 1U << 20U) {
  std::string text(most, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

}  // namespace

TEST_CASE("A log file is for its owner's eyes, and what is in it stays") {
  const support::Folder folder;
  const std::string path = folder / "log";
  LogFile(path).write("one\n");
  LogFile(path).write("two\n");
  CHECK(contents_of(path) == "one\ntwo\n");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("A log file that cannot be opened is refused by its path") {
  CHECK_THROWS_WITH(LogFile("/no/such/folder/log"),
                    support::contains("open: log file /no/such/folder/log"));
}

TEST_CASE("A log file that cannot be opened any more is written on, if it is still held") {
  const support::Folder folder;
  std::filesystem::create_directory(folder / "old");
  const LogFile before(folder / "old/log");
  std::filesystem::rename(folder / "old", folder / "new");
  LogFile file(folder / "old/log", Descriptor(dup(before.fd())));
  CHECK(file.write("one\n"));
  CHECK(contents_of(folder / "new/log") == "one\n");
  std::filesystem::create_directory(folder / "old");
  LogFile(folder / "old/log", Descriptor(dup(before.fd()))).write("two\n");
  CHECK(contents_of(folder / "new/log") == "one\n");
  CHECK(contents_of(folder / "old/log") == "two\n");
}

TEST_CASE("After a rename the old file takes lines until the log is opened anew") {
  const support::Folder folder;
  LogFile file(folder / "log");
  file.write("one\n");
  std::filesystem::rename(folder / "log", folder / "log.1");
  file.write("two\n");
  file.reopen();
  file.write("three\n");
  CHECK(contents_of(folder / "log.1") == "one\ntwo\n");
  CHECK(contents_of(folder / "log") == "three\n");
}

TEST_CASE("A file that cannot be opened anew leaves the old one in use") {
  const auto folder = std::make_unique<support::Folder>();
  std::filesystem::create_directory(*folder / "sub");
  LogFile file(*folder / "sub/log");
  std::filesystem::rename(*folder / "sub", *folder / "gone");
  CHECK_THROWS_AS(file.reopen(), std::system_error);
  file.write("still here\n");
  CHECK(contents_of(*folder / "gone/log") == "still here\n");
}

TEST_CASE("A full disk loses lines and counts them") {
  LogFile file("/dev/full");
  CHECK_FALSE(file.write("one\n"));
  CHECK_FALSE(file.write("two\n"));
  CHECK(file.take_lost() == 0);  // none yet: the gap goes on
}

TEST_CASE("A pipe that nobody reads loses lines, whole, and the next that fits ends the gap") {
  const Pipe pipe;
  LogFile file(pipe.path());
  std::string line(LogFile::longest_line, 'x');
  line.back() = '\n';
  std::uint64_t written = 0;
  while (file.write(line)) ++written;
  file.write(line);
  CHECK(file.take_lost() == 0);
  CHECK(taken_from(pipe.out).size() == written * LogFile::longest_line);
  CHECK(file.write("room again\n"));
  CHECK(file.take_lost() == 2);
  CHECK(file.take_lost() == 0);
  CHECK(taken_from(pipe.out) == "room again\n");
}

TEST_CASE("A pipe whose reader is gone loses lines and nothing else") {
  CHECK(support::in_child([] {
          signal(SIGPIPE, SIG_IGN);
          Pipe pipe;
          LogFile file(pipe.path());
          pipe.out.close();
          return file.write("nobody\n") ? 1 : 7;
        }) == 7);
}

TEST_CASE("Lines of several processes never mix, in a file or in a pipe") {
  const support::Folder folder;
  const auto kind = GENERATE(as<std::string>{}, "file", "pipe");
  Pipe pipe;
  const std::string path = kind == "file" ? folder / "log" : pipe.path();
  std::vector<std::unique_ptr<support::Child>> writers;
  for (const char letter : {'a', 'b', 'c'}) {
    writers.push_back(std::make_unique<support::Child>([&] {
      LogFile file(path);
      for (int i = 0; i < 200; ++i) {
        std::string line(LogFile::longest_line, letter);
        line.back() = '\n';
        while (!file.write(line)) usleep(100);
      }
      return 0;
    }));
  }
  pipe.in.close();
  std::string text;
  for (std::string more = taken_from(pipe.out); !more.empty(); more = taken_from(pipe.out)) {
    text += more;
  }
  for (const auto& writer : writers) CHECK(writer->wait() == 0);
  std::istringstream lines(kind == "file" ? contents_of(path) : text);
  int whole = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool same = std::all_of(line.begin(), line.end(), [&](char c) { return c == line[0]; });
    whole += same && line.size() == LogFile::longest_line - 1 ? 1 : 0;
  }
  CHECK(whole == 600);
}

// A socket has a path in /proc that nobody can open.
TEST_CASE("A log named as a descriptor is that descriptor, be it a socket") {
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Descriptor mine(ends[0]);
  const Descriptor theirs(ends[1]);
  LogFile file("/proc/self/fd/" + std::to_string(theirs.get()));
  CHECK(file.write("hello\n"));
  CHECK(taken_from(mine) == "hello\n");
}
