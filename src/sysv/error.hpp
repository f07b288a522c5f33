#pragma once

#include <system_error>

namespace sysv {

// The set or queue was removed (ipcrm, sem_remove, msg_remove_queue) while a handle was open, maybe
// under a waiter. Open a new one. Its code is EIDRM, also where the kernel said EINVAL: it forgets
// removed objects.
class Removed : public std::system_error {
  using system_error::system_error;
};

}  // namespace sysv
