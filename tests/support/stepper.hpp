#pragma once

#include <sys/types.h>

#include <functional>
#include <limits>
#include <vector>

namespace support {

// In a body that is stepped, by ptrace(2): the part that counts begins, or ends, here. No Catch2
// macro in such a body; its process leaves by _exit.
void mark();

// Runs `body` in a child, steps through the part once and calls `look` after every instruction,
// with its number, up to the end of the part or a fault (SIGSEGV, SIGABRT). After `most`
// instructions the child goes on by itself. Returns how many instructions there were.
long step_through(const std::function<void()>& body, const std::function<void(long)>& look,
                  long most = std::numeric_limits<long>::max());

// One body, run by any number of processes that are alike to the bit, and so do the same at the
// same instruction: all are forked by one that stands still in between. REQUIRES: what the body
// does depends on no clock.
//
// The first is stepped through the part, and it is noted where it stood after each instruction. Who
// is to be killed later runs there at full speed, to a hardware breakpoint which stops it as often
// as the first one had come by. Where there is none, or no x86-64, it is stepped, which takes long.
class Doomed {
 public:
  struct Play {
    std::function<void()> rehearsal;  // once, where they are forked: done is then what the dynamic
                                      // linker and the allocator do only the first time
    std::function<void()> body;
    std::function<void()> reset;  // here, before each: puts back what they share with others
  };
  explicit Doomed(const Play& play);
  Doomed(const Doomed&) = delete;
  Doomed& operator=(const Doomed&) = delete;
  ~Doomed();

  // The first: calls `look` after every instruction, with its number. Returns how many there were.
  long walk(const std::function<void(long)>& look);

  // The next: is killed (SIGKILL) after that many instructions, and is gone. Throws where it does
  // not stand where the first one stood. REQUIRES: the first one came as far.
  void kill_after(long instructions);

 private:
  pid_t next() const;
  bool is_stop(long step) const;
  bool run_to(pid_t child, long step) const;
  bool step_to(pid_t child, long step, long from = 0) const;

  pid_t forker_;
  std::function<void()> reset_;
  std::vector<unsigned long> places_;  // [n]: where the first stood after n instructions
};

}  // namespace support
