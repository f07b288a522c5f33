#pragma once

#include <functional>

namespace support {

// Runs `body` in a child, single-stepped by ptrace(2), and kills it (SIGKILL) after that many
// instructions of the part between two calls of mark(). Returns whether it was still inside that
// part then; false: the body had left it, and the child has ended.
// No Catch2 macro in the body; the child leaves by _exit.
bool killed_after(long instructions, const std::function<void()>& body);

// Steps through the whole part once and calls `look` after every instruction, with its number; the
// child then runs to its end. Returns how many instructions there were.
long step_through(const std::function<void()>& body, const std::function<void(long)>& look);

// In the body: the stepped part begins, or ends, here.
void mark();

}  // namespace support
