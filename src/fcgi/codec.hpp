#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "fcgi/handler.hpp"
#include "os/descriptor.hpp"

struct FCGX_Request;

namespace fcgi {

enum class Keep { no, yes };

// libfcgi, and the only class that knows it: takes the parameters of a request apart and writes the
// answer's records. It reads from a file of our own, into which only a sound request is put, and
// never from a connection: no peer can keep it waiting, or show it a byte that was not screened.
// One per process: the file's position is shared with whoever inherits it. Requests stand in it one
// after the other, so that libfcgi finds each where it has read the one before to its end.
class Codec {
 public:
  Codec();
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec();

  // Has the request answered that a screen found sound, `text`, and sends the answer over the
  // connection. False: the connection is of no use any more, because it did not take the answer.
  // It stays the caller's to close.
  // REQUIRES: the connection is blocking, with a time limit on writing.
  bool answer(const std::string& text, int connection, const Handler& handler);

 private:
  bool read(const std::string& text);
  void put(const std::string& text);
  void empty_file();
  bool write(const std::string& text, int connection);

  struct Free {
    void operator()(FCGX_Request* request) const;
  };
  os::Descriptor file_;
  off_t end_ = 0;  // of the file, and where libfcgi reads next
  std::unique_ptr<FCGX_Request, Free> request_;
};

}  // namespace fcgi
