#pragma once

#include <sys/types.h>

#include <string>

namespace os {

// Whether that process is at work: it exists, and has not ended yet (as one has that nobody has
// waited for).
bool is_running(pid_t pid);

// Where the program is that was started under that name (argv[0]), as an absolute path; links in it
// stay links, so that whatever stands there later is found. To be asked before the working
// directory changes.
std::string program_path(const std::string& name);

// Lets this process interrupt nobody when it wakes (SCHED_BATCH, sched(7)): whoever has the
// processor keeps it until it sleeps or its turn is over. A web server so gets through all that it
// has to do before workers take what it has asked, and sleeps and wakes less often. Its share of
// the processor stays the same. A process that somebody has given another policy keeps that.
void be_batch() noexcept;

// How a process ended, by its status (waitpid): "exited with code 1", "ended on signal 9 (Killed)".
std::string ending_of(int status);

}  // namespace os
