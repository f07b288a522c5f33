#pragma once

namespace os {

// From now on, and for good, this process can make no system call but those that serving needs: to
// wait, accept, read and write, to use the System V objects, to get memory that is not code, to
// tell the time, and to end. All else is refused with EPERM, which is an error like any other:
// no execve, fork, socket, connect or bind, no opening of a file, no ptrace, no signal to another
// process. What has to be opened is opened before: descriptors, timers, the time zone.
//
// The filter (seccomp) is inherited and cannot be taken off. Threads and sanitizers do not
// work under it.
//
// no_new_privs comes with it. Throws std::system_error where the kernel has no such filters, or
// forbids them.
void enter_sandbox();

}  // namespace os
