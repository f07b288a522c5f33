#pragma once

#include <sys/types.h>

namespace os {

// Whether that process is at work: it exists, and has not ended yet (as one has that nobody has
// waited for).
bool is_running(pid_t pid);

}  // namespace os
