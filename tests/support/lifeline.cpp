#include "support/lifeline.hpp"

#include <unistd.h>

#include <stdexcept>

#include "support/connection.hpp"

namespace support {

Lifeline::Lifeline() {
  int ends[2];
  if (pipe(ends) == -1) throw std::runtime_error("pipe");
  mine_ = os::Descriptor(ends[0]);
  theirs_ = os::Descriptor(ends[1]);
}

bool Lifeline::all_end() {
  theirs_.close();
  return turns_readable(mine_.get());
}

}  // namespace support
