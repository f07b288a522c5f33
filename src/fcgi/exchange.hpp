#pragma once

#include <cstdint>
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

  // REQUIRES: the connection is blocking, with a time limit on writing.
  explicit Exchange(os::Descriptor connection, Bodies bodies = Bodies::dropped)
      : connection_(std::move(connection)), screen_(bodies) {}

  int fd() const { return connection_.get(); }

  // Takes some of what has arrived.
  Heard hear();

  // Between two requests: nothing of the next has been taken.
  bool is_idle() const { return !screen_.has_begun(); }

  // Whether a byte, or the end, waits to be taken.
  bool has_news() const;

  // The web server is there, and has taken so much of its former answers that another finds room.
  // If not, it has given the request up, or would keep its worker waiting. `here`: it was there a
  // moment ago, by epoll's word; then the kernel is asked only when answers may have piled up.
  bool is_waited_for(bool here = false);

  // Of a request that is whole.
  std::uint16_t id() const { return screen_.id(); }
  bool keeps() const { return screen_.keeps() && !screen_.has_surplus(); }

  // REQUIRES: a whole request. False: close the connection now, because the web server wants that,
  // `keep` says so, or the answer was not taken.
  bool answer(Codec& codec, const Handler& handler, Keep keep);

 private:
  static constexpr std::size_t much = 16384;  // bytes; sockets have room for more by default

  os::Descriptor connection_;
  Screen screen_;
  std::size_t sent_ = much;  // since it was seen that there is room
};

}  // namespace fcgi
