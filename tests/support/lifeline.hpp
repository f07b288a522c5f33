#pragma once

#include "os/descriptor.hpp"

namespace support {

// Held by every process that is forked while it is whole, and by their children in turn, until they
// end, however they end.
class Lifeline {
 public:
  Lifeline();

  // In the process that made it, after its forks: whether all of them end within ten seconds.
  bool all_end();

 private:
  os::Descriptor mine_;
  os::Descriptor theirs_;
};

}  // namespace support
