#pragma once

#include <functional>
#include <limits>

namespace support {

// Runs `body` in a child, single-stepped by ptrace(2), and kills it (SIGKILL) after that many
// instructions of the part between two calls of mark(). Returns whether it was still inside that
// part then; false: the body had left it, and the child has ended.
// No Catch2 macro in the body; the child leaves by _exit.
bool killed_after(long instructions, const std::function<void()>& body);

// Steps through the whole part once and calls `look` after every instruction, with its number, up
// to the end of the part or a fault (SIGSEGV, SIGABRT). After `most` instructions the child goes on
// by itself. Returns how many instructions there were.
long step_through(const std::function<void()>& body, const std::function<void(long)>& look,
                  long most = std::numeric_limits<long>::max());

// In the body: the stepped part begins, or ends, here.
void mark();

}  // namespace support
