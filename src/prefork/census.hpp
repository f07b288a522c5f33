#pragma once

#include <chrono>

namespace prefork {

// A pool in numbers, at one moment. Each worker is counted once.
struct Census {
  int starting = 0;  // forked, not ready yet
  int idle = 0;
  int busy = 0;
  int retiring = 0;  // told to go: not to be counted on any more
  int paused = 0;    // places that stay empty for a moment, for their workers could not start
  int queued = 0;    // connections that no worker has taken yet
  int kept = 0;      // connections that web servers keep open to the workers
  std::chrono::milliseconds longest_idle{0};  // of the worker that has been idle for longest

  int serving() const { return starting + idle + busy; }
};

}  // namespace prefork
