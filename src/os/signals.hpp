#pragma once

#include <csignal>
#include <initializer_list>

#include "os/descriptor.hpp"

namespace os {

// A set of signals, by number.
sigset_t signal_set(std::initializer_list<int> numbers);

// Blocks every signal but the ones a fault raises (SIGSEGV and its kin, SIGABRT): from then on a
// signal is an event that its process waits for, and no system call in between is cut short. Ends
// of children are told even where the program that started us ignores theirs (SIGCHLD).
// Inherited by children. Returns the mask that was in force before.
sigset_t block_signals();

// A descriptor that turns readable when one of these (blocked) signals is pending for the process
// that made it. Reading it is not needed to learn that: it stays readable.
Descriptor signal_descriptor(std::initializer_list<int> numbers);

}  // namespace os
