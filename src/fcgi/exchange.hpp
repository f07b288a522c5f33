#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "fcgi/codec.hpp"
#include "fcgi/handler.hpp"
#include "fcgi/screen.hpp"
#include "os/descriptor.hpp"

namespace fcgi {

// One connection from a web server, and the requests that follow each other on it. Takes what
// arrives without ever waiting for more, and has a request answered once all of it is there.
class Exchange {
 public:
  enum class Heard {
    nothing,  // no byte
    part,     // some of a request
    request,  // the rest of one: answer it
    end,      // no request will come any more, or none that is answered: close it
  };

  // `spare`: a screen that a worker's exchanges lend each other, one request long; null at first.
  // What was just used is at hand for the processor, and who idles needs none.
  // REQUIRES: the connection is blocking, with a time limit on writing. The spare outlives it.
  Exchange(os::Descriptor connection, Bodies bodies, std::unique_ptr<Screen>& spare)
      : connection_(std::move(connection)), spare_(&spare), bodies_(bodies) {}

  int fd() const { return connection_.get(); }

  // Takes what has arrived, or some of it.
  Heard hear();

  // Whether hear() may have left something.
  bool may_have_left_some() const { return may_have_left_some_; }

  // Between two requests: nothing of the next has been taken.
  bool is_idle() const { return screen_ == nullptr; }

  // Whether a byte, or the end, waits to be taken.
  bool has_news() const;

  // The web server is there, and has taken so much of its former answers that another finds room.
  // If not, it has given the request up, or would keep its worker waiting. `here`: it was there a
  // moment ago, by epoll's word; then the kernel is asked only when answers may have piled up.
  bool is_waited_for(bool here = false);

  // Of a request that is whole.
  std::uint16_t id() const { return screen_->id(); }
  bool keeps() const { return screen_->keeps() && !screen_->has_surplus(); }

  // REQUIRES: a whole request. False: close the connection now, because the web server wants that,
  // `keep` says so, or the answer was not taken.
  bool answer(Codec& codec, const Handler& handler, Keep keep);

 private:
  static constexpr std::size_t much = 16384;  // bytes; sockets have room for more by default

  os::Descriptor connection_;
  std::unique_ptr<Screen> screen_{};  // while there is a request
  std::unique_ptr<Screen>* spare_;
  std::size_t sent_ = much;  // since it was seen that there is room
  Bodies bodies_;
  bool may_have_left_some_ = false;
};

}  // namespace fcgi
