#include "fcgi/codec.hpp"

#include <fcgiapp.h>
#include <fcgios.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fcgi {
namespace {

constexpr int memory = INT_MAX;  // in place of a descriptor, and none that the kernel ever gives
thread_local std::string_view unread;

// A request that says nothing: its beginning, no parameters, no body (FastCGI 1.0, section 3.3).
constexpr std::string_view smallest(
    "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
    "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0",
    32);

// What stands for REQUEST_URI where a client speaks FastCGI itself, as php-fpm's exporters do.
std::string script_and_query(const http::Request& request) {
  std::string target(request.parameter("SCRIPT_NAME"));
  const std::string_view query = request.parameter("QUERY_STRING");
  if (!target.empty() && !query.empty()) target.append("?").append(query);
  return target;
}

// One large answer is no reason to hold its memory for good.
void keep_little(std::string& text) {
  constexpr std::size_t little = 65536;
  if (text.capacity() > little) std::string().swap(text);
}

void answer_to(http::Request& request, http::Response& response, const Handler& handler) {
  std::string instead;
  if (request.target.empty()) request.target = instead = script_and_query(request);
  if (!request.method.empty() && !request.target.empty()) return handler(request, response);
  response.status = 400;
  response.content_type = "text/plain; charset=UTF-8";
  response.body = "the web server must pass REQUEST_METHOD and REQUEST_URI (fastcgi_param)\n";
}

}  // namespace

// Both in libfcgi's place, see codec.hpp.
extern "C" int OS_Read(int fd, char* into, std::size_t size) {
  if (fd != memory) return static_cast<int>(::read(fd, into, size));
  const std::size_t count = unread.copy(into, size);
  unread.remove_prefix(count);
  return static_cast<int>(count);
}

extern "C" int OS_Write(int fd, char* from, std::size_t size) {
  return static_cast<int>(::send(fd, from, size, MSG_NOSIGNAL));
}

// Lets go of the memory alone: the descriptors are never libfcgi's.
void Codec::Free::operator()(FCGX_Request* request) const {
  FCGX_Free(request, 0);
  delete request;
}

// libfcgi never accepts by itself: the listening socket is -1.
Codec::Codec() : request_(new FCGX_Request{}) {
  static const int initialized = FCGX_Init();
  if (initialized != 0 || FCGX_InitRequest(request_.get(), -1, 0) != 0) {
    throw std::runtime_error("libfcgi does not start");
  }
  if (!read(smallest)) throw std::runtime_error("libfcgi does not read through our OS_Read");
}

Codec::~Codec() = default;

bool Codec::answer(const Message& message, int connection, const Handler& handler) {
  if (!read(message.text)) return false;
  http::Request request;
  request.parameters = request_->envp;
  request.body = message.body;
  request.method = request.parameter("REQUEST_METHOD");
  request.target = request.parameter("REQUEST_URI");
  response_.begin_anew();
  answer_to(request, response_, handler);
  const bool is_head = request.method == "HEAD";
  http::write_cgi(text_, response_, is_head ? http::Body::left_out : http::Body::sent);
  answer_size_ = text_.size();
  const bool written = write(connection);
  keep_little(text_);
  keep_little(response_.body);
  return written;
}

// `keepConnection` keeps FCGX_Accept_r from closing what it reads from. It returns 0 for parameters
// that are damaged, too: the stream's error is the only sign (libfcgi 2.4.2).
bool Codec::read(std::string_view text) {
  FCGX_Free(request_.get(), 0);  // what a handler left that threw
  request_->ipcFd = memory;
  request_->keepConnection = 1;
  request_->detached = 1;
  unread = text;
  const bool read = FCGX_Accept_r(request_.get()) == 0 && FCGX_GetError(request_->in) == 0;
  request_->ipcFd = -1;
  return read;
}

// FCGX_Finish_r without its close. FCGX_FClose of the last stream sends the end of the request.
bool Codec::write(int connection) {
  request_->ipcFd = connection;
  FCGX_PutStr(text_.data(), static_cast<int>(text_.size()), request_->out);
  const bool closed_err = FCGX_FClose(request_->err) == 0;
  const bool closed_out = FCGX_FClose(request_->out) == 0;
  FCGX_Free(request_.get(), 0);
  request_->ipcFd = -1;
  return closed_err && closed_out;
}

}  // namespace fcgi
