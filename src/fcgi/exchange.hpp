#pragma once

#include <memory>

#include "fcgi/handler.hpp"
#include "os/descriptor.hpp"

struct FCGX_Request;

namespace fcgi {

enum class Keep { no, yes };

// One connection from a web server, and the requests that follow each other on it. libfcgi reads
// and writes it (this class is the only one that knows libfcgi); waiting for a request's first byte
// is the caller's, so that a connection without one keeps nobody waiting.
class Exchange {
 public:
  // REQUIRES: the connection is blocking, with time limits on reading and writing: libfcgi takes
  // EAGAIN for the end, and has no limits of its own.
  explicit Exchange(os::Descriptor connection);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  int fd() const;

  // Reads one request, has it answered, and sends the answer. Call it when bytes are there.
  // False: the connection has ended. It ends when the web server asked for that, when `keep` says
  // so, and when the request was damaged, which no handler gets to see: cut short, too slow,
  // malformed, or with a body over 64 MiB.
  bool serve(const Handler& handler, Keep keep);

 private:
  bool read_whole_request();
  void end();

  struct Free {
    void operator()(FCGX_Request* request) const;
  };
  std::unique_ptr<FCGX_Request, Free> request_;
};

}  // namespace fcgi
