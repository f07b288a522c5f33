#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "fcgi/handler.hpp"

struct FCGX_Request;

namespace fcgi {

enum class Keep { no, yes };

// libfcgi, and the only class that knows it: takes the parameters of a request apart and writes the
// answer's records. It reads from memory, in which only a sound request stands, and never from a
// connection: no peer can keep it waiting, or show it a byte that was not screened.
//
// How: OS_Read is what libfcgi reads through (fcgios.h), and codec.cpp has an OS_Read of its own,
// which comes before that of the shared library in every search. Where somebody else uses libfcgi
// in the same program, it is read(2) as ever. OS_Write is ours, too, and send(2): the shorter way
// into the kernel, and no SIGPIPE.
class Codec {
 public:
  // Throws std::runtime_error, also where libfcgi was linked so that no other OS_Read can take the
  // place of its own.
  Codec();
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec();

  // A request that a screen found sound, as libfcgi is to see it, and its body.
  struct Message {
    std::string_view text;
    std::string_view body{};
  };

  // Has the request answered, and sends the answer over the connection. False: the connection is of
  // no use any more, because it did not take the answer. It stays the caller's to close.
  // REQUIRES: the connection is blocking, with a time limit on writing.
  bool answer(const Message& message, int connection, const Handler& handler);

  // Bytes of the answer that was sent last.
  std::size_t answer_size() const { return answer_size_; }

 private:
  bool read(std::string_view text);
  bool write(int connection);

  struct Free {
    void operator()(FCGX_Request* request) const;
  };
  std::unique_ptr<FCGX_Request, Free> request_;
  http::Response response_;  // kept, as is its text: answers are made in the memory of others
  std::string text_;
  std::size_t answer_size_ = 0;
};

}  // namespace fcgi
