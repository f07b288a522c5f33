#include "bench/race.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <list>
#include <stdexcept>
#include <vector>

#include "os/descriptor.hpp"
#include "os/retry.hpp"

namespace bench {
namespace {

void put_byte(int fd) {
  if (os::retry([&] { return write(fd, "x", 1); }) != 1) throw std::runtime_error("a racer left");
}

void get_byte(int fd) {
  char byte = 0;
  if (os::retry([&] { return read(fd, &byte, 1); }) != 1) throw std::runtime_error("a racer left");
}

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1) throw std::runtime_error("pipe");
    out = os::Descriptor(ends[0]);
    in = os::Descriptor(ends[1]);
  }
  os::Descriptor out;
  os::Descriptor in;
};

// A child whose standard input and output are ours. Killed, if need be, at the end of its life.
class Process {
 public:
  Process(const Racer& racer, long turns) : pid_(fork()) {
    if (pid_ == -1) throw std::runtime_error("fork");
    if (pid_ == 0) be(racer, turns);
    to_.out.close();
    from_.in.close();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ~Process() {
    kill(pid_, SIGKILL);
    os::retry([&] { return waitpid(pid_, nullptr, 0); });
  }

  void start() const { put_byte(to_.in.get()); }
  void wait_for_byte() const { get_byte(from_.out.get()); }

 private:
  [[noreturn]] void be(const Racer& racer, long turns) {
    dup2(to_.out.get(), STDIN_FILENO);
    dup2(from_.in.get(), STDOUT_FILENO);
    try {
      racer(turns);
    } catch (const std::exception& error) {
      (void)!write(STDERR_FILENO, error.what(), std::char_traits<char>::length(error.what()));
      _exit(1);
    }
    _exit(0);
  }

  Pipe to_;
  Pipe from_;
  pid_t pid_;
};

}  // namespace

void ready() {
  put_byte(STDOUT_FILENO);
  get_byte(STDIN_FILENO);
}

void done() { put_byte(STDOUT_FILENO); }

Racer php(std::string script, std::vector<std::string> arguments) {
  return [=](long turns) {
    std::vector<std::string> words = {"php",  "-d", "opcache.enable_cli=0", "-r",
                                      script, "--", std::to_string(turns)};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp("php", argv.data());
    throw std::runtime_error("no php here");
  };
}

double race(int processes, long turns_each, const Racer& racer) {
  std::list<Process> racers;
  for (int i = 0; i < processes; ++i) racers.emplace_back(racer, turns_each);
  for (const Process& process : racers) process.wait_for_byte();
  const auto start = std::chrono::steady_clock::now();
  for (const Process& process : racers) process.start();
  for (const Process& process : racers) process.wait_for_byte();
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
  return time.count() / static_cast<double>(processes * turns_each);
}

}  // namespace bench
