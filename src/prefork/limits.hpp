#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace prefork {

// How a pool is sized; php-fpm's `pm`.
enum class Sizing {
  fixed,     // static: max_children workers, always
  dynamic,   // as many as the work wants, with some idle ones to spare
  ondemand,  // none without work
};

// How large a pool is and how long it waits. The names are php-fpm's; so are the defaults, where
// php-fpm has one that serves.
struct Limits {
  std::string name = "visits";  // of the pool: the section's name
  Sizing sizing = Sizing::fixed;
  int max_children = 4;                                   // pm.max_children
  int start_servers = 2;                                  // dynamic: workers at the start
  int min_spare_servers = 1;                              // dynamic: idle workers, at least …
  int max_spare_servers = 3;                              // … and at most
  int max_spawn_rate = 32;                                // forks in one go, at most
  std::chrono::milliseconds process_idle_timeout{10000};  // ondemand: longest idle life

  // A worker is replaced after about so many requests (up to a quarter more: workers that began
  // together should not end together); 0: never.
  std::uint64_t max_requests = 0;

  // Longest time for one request, from when it is whole; then the client gets a 504 and the worker
  // is replaced. 0: none.
  std::chrono::milliseconds request_terminate_timeout{0};

  // A request that takes longer is counted and said once in the slow log. 0: none.
  std::chrono::milliseconds request_slowlog_timeout{0};

  // process_control_timeout: how long a stop or a reload waits for requests that are being
  // answered, before it ends their workers by force. (php-fpm's default, 0, cuts them off at once.)
  std::chrono::milliseconds process_control_timeout{20000};

  // As many crashes (SIGSEGV, SIGBUS, SIGABRT) within the interval make the pool reload; 0: never.
  int emergency_restart_threshold = 0;
  std::chrono::milliseconds emergency_restart_interval{0};
};

}  // namespace prefork
