#include "os/descriptor.hpp"

#include <fcntl.h>

namespace os {

void occupy_standard_descriptors() {
  // open(2) gives the lowest number that is free.
  Descriptor last;
  do {
    last.release();
    last = Descriptor(open("/dev/null", O_RDWR | O_CLOEXEC));
  } while (last && last.get() <= STDERR_FILENO);
}

}  // namespace os
