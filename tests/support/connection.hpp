#pragma once

#include <string>

#include "os/descriptor.hpp"

namespace support {

// A connection to whatever address a listening socket has. Empty if it is refused.
os::Descriptor connection_to(int listening_fd);

// A connection to whoever listens at a unix socket's path. Empty if nobody does.
os::Descriptor connection_to(const std::string& path);

// Whether there is something to read, or to accept, within ten seconds.
bool turns_readable(int fd);

// Whether there is now.
bool is_readable(int fd);

}  // namespace support
