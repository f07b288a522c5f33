#include "os/sandbox.hpp"

#include <fcntl.h>
#include <linux/prctl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>

#include "os/error.hpp"

namespace os {
namespace {

// Allowed with any argument. Some have no use in a source of ours: the C library makes the one call
// on one kind of processor and the other elsewhere (poll and ppoll, semop and semtimedop), and
// abort() has needs of its own.
constexpr std::array always = {
    // to wait
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(sched_yield),
    SCMP_SYS(futex),
    SCMP_SYS(restart_syscall),
    // to talk over connections that others made
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    // to count
    SCMP_SYS(semget),
    SCMP_SYS(semctl),
    SCMP_SYS(semop),
    SCMP_SYS(semtimedop),
    SCMP_SYS(shmget),
    SCMP_SYS(shmdt),
    SCMP_SYS(shmctl),
    SCMP_SYS(msgget),
    SCMP_SYS(msgsnd),
    SCMP_SYS(msgctl),
    // to have memory
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    // to tell the time, and to be told
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(timer_settime),
    SCMP_SYS(timer_gettime),
    SCMP_SYS(timer_delete),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(setitimer),
    // to hear signals
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigreturn),
    // to know oneself, and to end
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

using Argument = scmp_arg_cmp;

constexpr Argument is(unsigned argument, std::uint64_t value) {
  return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

constexpr Argument has_none_of(std::uint64_t bits, unsigned argument) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
}

struct Rule {
  int call;
  Argument condition;
};

// Memory that is data, descriptors that stay what they are, signals to oneself, and looks.
constexpr std::array sometimes = {
    Rule{SCMP_SYS(mmap), has_none_of(PROT_EXEC, 2)},
    Rule{SCMP_SYS(mprotect), has_none_of(PROT_EXEC, 2)},
    Rule{SCMP_SYS(shmat), has_none_of(SHM_EXEC, 2)},
    Rule{SCMP_SYS(fcntl), is(1, F_GETFD)},
    Rule{SCMP_SYS(fcntl), is(1, F_SETFD)},
    Rule{SCMP_SYS(fcntl), is(1, F_GETFL)},
    Rule{SCMP_SYS(fcntl), is(1, F_SETFL)},
    Rule{SCMP_SYS(fcntl), is(1, F_DUPFD_CLOEXEC)},
    Rule{SCMP_SYS(ioctl), is(1, FIONREAD)},
    Rule{SCMP_SYS(ioctl), is(1, FIONBIO)},
    Rule{SCMP_SYS(ioctl), is(1, TIOCOUTQ)},
    Rule{SCMP_SYS(newfstatat), is(3, AT_EMPTY_PATH)},  // fstat of newer C libraries
    Rule{SCMP_SYS(prctl), is(0, PR_GET_PDEATHSIG)},
    Rule{SCMP_SYS(prctl), is(0, PR_GET_DUMPABLE)},
    Rule{SCMP_SYS(prctl), is(0, PR_GET_NO_NEW_PRIVS)},
    Rule{SCMP_SYS(prctl), is(0, PR_GET_SECCOMP)},
};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

[[noreturn]] void fail_with(int error, const char* call) {
  errno = error;
  fail(call, "the kernel, or a container's own filter, does not let us");
}

void allow(const Filter& filter, int call) {
  const int error = seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 0, nullptr);
  if (error != 0) fail_with(-error, "seccomp_rule_add");
}

void allow(const Filter& filter, const Rule& rule) {
  const int error =
      seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, rule.call, 1, &rule.condition);
  if (error != 0) fail_with(-error, "seccomp_rule_add");
}

// Both are for speed alone, and missing in older kernels or libraries: a tree instead of a list of
// comparisons; and no brake on speculation, which is meant for strangers' code in our process.
void make_fast(const Filter& filter) {
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_SSB, 1);
}

}  // namespace

void enter_sandbox() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) throw std::bad_alloc();
  make_fast(filter);
  const auto self = static_cast<std::uint64_t>(getpid());
  for (const int call : always) allow(filter, call);
  for (const Rule& rule : sometimes) allow(filter, rule);
  for (const int call : {SCMP_SYS(kill), SCMP_SYS(tgkill)}) allow(filter, {call, is(0, self)});
  if (const int error = seccomp_load(filter.get()); error != 0) fail_with(-error, "seccomp_load");
}

}  // namespace os
