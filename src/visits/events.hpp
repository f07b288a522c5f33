#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sysv/key.hpp"
#include "sysv/queue.hpp"

namespace visits {

// One request that wanted to be a visit.
struct Event {
  std::int64_t time;                  // seconds since 1970
  std::string_view path;              // as the client asked for it, without the query
  std::optional<std::int64_t> count;  // the number it was given; absent: it could not be counted
  int status;                         // of the answer: 200, 503
};

// Sends events to a System V queue, as messages of type 1 whose body is a serialized PHP array
//
//     ['time' => int, 'path' => string, 'count' => int or null, 'status' => int]
//
// for whoever wants to watch: msg_receive in PHP, `visitsctl ipc receive --follow`. A path is cut
// after 1024 bytes. One per process.
//
// No request ever waits for it, or fails of it: what cannot be sent at once, because the queue is
// full or gone for good, is dropped and counted.
class Events {
 public:
  using Report = std::function<void(const std::string&)>;

  Events(sysv::Key key, sysv::Access access, Report report);

  void send(const Event& event) noexcept;

  // How many events this process has dropped.
  std::uint64_t dropped() const { return dropped_; }

 private:
  bool try_send(const std::string& body);
  void drop(const std::string& why) noexcept;

  sysv::Key key_;
  sysv::Access access_;
  Report report_;
  std::optional<sysv::Queue> queue_;
  std::uint64_t dropped_ = 0;
};

}  // namespace visits
