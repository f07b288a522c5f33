#pragma once

#include <chrono>

namespace prefork {

// How large a pool is and how long it waits. The names are php-fpm's.
struct Limits {
  int max_children = 4;  // pm.max_children; with pm = static, all of them from the start

  // process_control_timeout: how long a stop waits for requests that are being answered, before it
  // ends their workers by force. (php-fpm's default, 0, cuts them off at once.)
  std::chrono::milliseconds process_control_timeout{20000};
};

}  // namespace prefork
