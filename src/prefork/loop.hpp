#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "os/descriptor.hpp"

namespace prefork {

// Waits for several descriptors and one moment at once, and calls back. For one thread of one
// process: a forked child lets go of it with leave().
class Loop {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Callback = std::function<void()>;

  enum class Calls {
    always,  // each time the descriptor is found readable, or hung up
    once,    // the first time, and again after rearm()
  };

  Loop();

  // The callback may come once too often (another one may have read first): its reads must not
  // block. It may watch and forget descriptors, its own too. Throws std::system_error.
  void watch(int fd, Callback callback, Calls calls = Calls::always);
  void rearm(int fd);

  // REQUIRES: the descriptor is open still. One that others hold, too, would go on calling.
  void forget(int fd);

  // Until a callback has been called, or that moment has come.
  void wait_until(Time moment);

  void leave() { epoll_.close(); }

 private:
  struct Watch {
    std::shared_ptr<const Callback> callback;
    Calls calls;
  };

  void control(int operation, int fd, Calls calls);

  os::Descriptor epoll_;
  std::map<int, Watch> watches_;
};

}  // namespace prefork
