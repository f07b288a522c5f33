#include "os/sandbox.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>

#include "os/log.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/program.hpp"
#include "support/sanitized.hpp"
#include "support/scratch.hpp"
#include "sysv/queue.hpp"
#include "visits/counter.hpp"

using support::in_child;
using support::is_sanitized;

namespace {

// A sanitizer makes system calls of its own, of which the filter knows nothing.
bool cannot_be_tested() {
  if (is_sanitized) WARN("a sanitizer does not work in the sandbox");
  return is_sanitized;
}

bool is_refused(long result) { return result == -1 && errno == EPERM; }

// Whether that call is refused to a process in the sandbox, and is not to one outside.
bool is_refused_inside(const std::function<long()>& call) {
  const bool refused_outside = in_child([&] { return is_refused(call()) ? 1 : 0; }) == 1;
  const bool refused_inside = in_child([&] {
                                os::enter_sandbox();
                                return is_refused(call()) ? 1 : 0;
                              }) == 1;
  return refused_inside && !refused_outside;
}

int exit_inside(const std::function<int()>& body) {
  return in_child([&] {
    os::enter_sandbox();
    return body();
  });
}

long run_true() {
  std::array<char, 5> name = {"true"};
  std::array<char*, 2> words = {name.data(), nullptr};
  return execv("/bin/true", words.data());
}

long fork_and_wait() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return child == -1 ? -1 : waitpid(child, nullptr, 0);
}

}  // namespace

TEST_CASE("Nobody in the sandbox can start a program or a process") {
  if (cannot_be_tested()) return;
  CHECK(is_refused_inside(run_true));
  CHECK(is_refused_inside(fork_and_wait));
}

TEST_CASE("Nobody in the sandbox can make a socket, or reach out with one that is there") {
  if (cannot_be_tested()) return;
  const int open = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(open != -1);
  const sockaddr address{.sa_family = AF_UNSPEC, .sa_data = {}};
  CHECK(is_refused_inside([] { return socket(AF_UNIX, SOCK_STREAM, 0); }));
  CHECK(is_refused_inside([] { return socket(AF_INET, SOCK_STREAM, 0); }));
  CHECK(is_refused_inside([&] { return connect(open, &address, sizeof address); }));
  CHECK(is_refused_inside([&] { return listen(open, 1); }));
  close(open);
}

TEST_CASE("Nobody in the sandbox can open a file, or change what there is") {
  if (cannot_be_tested()) return;
  CHECK(is_refused_inside([] { return open("/dev/null", O_WRONLY); }));
  CHECK(is_refused_inside([] { return open("/dev/null", O_RDONLY); }));
  CHECK(is_refused_inside([] { return unlink("/no/such/file"); }));
  CHECK(is_refused_inside([] { return chmod("/no/such/file", 0666); }));
  CHECK(is_refused_inside([] { return mkdir("/proc/no-such-folder", 0777); }));
}

TEST_CASE("Nobody in the sandbox can touch another process") {
  if (cannot_be_tested()) return;
  CHECK(is_refused_inside([] { return kill(getppid(), 0); }));
  CHECK(is_refused_inside([] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }));
  CHECK(is_refused_inside([] { return prctl(PR_SET_PDEATHSIG, 0); }));
}

TEST_CASE("Nobody in the sandbox can make memory that is code") {
  if (cannot_be_tested()) return;
  CHECK(is_refused_inside([] {
    const auto memory =
        mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1L : 0L;
  }));
  void* const memory =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(is_refused_inside([&] { return mprotect(memory, 4096, PROT_READ | PROT_EXEC); }));
  munmap(memory, 4096);
}

TEST_CASE_METHOD(support::Scratch, "Nobody in the sandbox can attach a segment as code") {
  if (cannot_be_tested()) return;
  const int id = shmget(scratch.number(), 4096, IPC_CREAT | 0700);
  const auto attach = [id](int flags) {
    return reinterpret_cast<std::intptr_t>(shmat(id, nullptr, flags)) == -1 ? -1L : 0L;
  };
  CHECK(is_refused_inside([&] { return attach(SHM_EXEC); }));
  CHECK_FALSE(is_refused_inside([&] { return attach(0); }));
}

TEST_CASE_METHOD(support::Scratch,
                 "In the sandbox visits are counted, and what is missing is made") {
  if (cannot_be_tested()) return;
  CHECK(exit_inside([&] {
          visits::Counter counter({.key = key}, [](const std::string&) {});
          counter.add_visit();
          const auto queue = sysv::Queue::open_or_create(key);
          if (!queue.try_send(sysv::MessageType{1}, "visit")) return 100;
          return static_cast<int>(counter.add_visit());
        }) == 2);
}

TEST_CASE("In the sandbox memory grows, errors are thrown and lines are logged") {
  if (cannot_be_tested()) return;
  CHECK(exit_inside([] {
          const auto memory = std::make_unique<std::array<char, 50'000'000>>();
          memory->fill('x');
          void* const moved = std::realloc(std::malloc(1'000'000), 100'000'000);
          std::free(moved);
          os::log(os::Level::debug, "from the sandbox");
          try {
            throw std::runtime_error("caught");
          } catch (const std::runtime_error&) {
            return moved != nullptr ? 7 : 8;
          }
        }) == 7);
}

TEST_CASE("In the sandbox an assertion that fails still ends the process as it should") {
  if (cannot_be_tested()) return;
  CHECK(exit_inside([]() -> int {
          std::signal(SIGABRT, SIG_DFL);  // not the test program's handler
          std::abort();
        }) == 128 + SIGABRT);
}

TEST_CASE("The kernel says that a process is in the sandbox, and it cannot be left") {
  if (cannot_be_tested()) return;
  CHECK(in_child([] {
          const pid_t self = getpid();
          if (support::status_of(self, "Seccomp") != "0") return 1;
          os::enter_sandbox();
          return prctl(PR_GET_SECCOMP) == 2 ? 0 : 2;
        }) == 0);
  CHECK(is_refused_inside([] { return prctl(PR_SET_SECCOMP, 1); }));
}
