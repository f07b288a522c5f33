#pragma once

#include <cerrno>

namespace os {

// Repeats a system call while a signal interrupts it. Every other error is the caller's.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

}  // namespace os
