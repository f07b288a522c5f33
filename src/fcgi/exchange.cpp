#include "fcgi/exchange.hpp"

#include <fastcgi.h>
#include <fcgiapp.h>

#include <array>
#include <stdexcept>

namespace fcgi {
namespace {

constexpr std::size_t most_body = 64U << 20U;

std::string_view parameter(const FCGX_Request& request, const char* name) {
  const char* const value = FCGX_GetParam(name, request.envp);
  return value == nullptr ? std::string_view{} : value;
}

// Reads STDIN to its end, so that no byte of a body is ever taken for the next request's records.
bool drain(FCGX_Stream* in) {
  std::array<char, 8192> rest{};
  std::size_t total = 0;
  int got = 0;
  do {
    got = FCGX_GetStr(rest.data(), static_cast<int>(rest.size()), in);
    total += static_cast<std::size_t>(got);
  } while (got > 0 && total <= most_body);
  return got == 0 && FCGX_GetError(in) == 0;
}

http::Response answer_to(const FCGX_Request& parameters, const Handler& handler) {
  const http::Request request{.method = parameter(parameters, "REQUEST_METHOD"),
                              .target = parameter(parameters, "REQUEST_URI")};
  if (request.method.empty() || request.target.empty()) {
    return {.status = 400,
            .content_type = "text/plain; charset=UTF-8",
            .body = "the web server must pass REQUEST_METHOD and REQUEST_URI (fastcgi_param)\n"};
  }
  return handler(request);
}

}  // namespace

void Exchange::Free::operator()(FCGX_Request* request) const { delete request; }

// libfcgi never accepts by itself: the listening socket is -1, the connection is preset, and
// `keepConnection` keeps the first FCGX_Accept_r from closing it.
Exchange::Exchange(os::Descriptor connection) : request_(new FCGX_Request{}) {
  static const int initialized = FCGX_Init();
  if (initialized != 0 || FCGX_InitRequest(request_.get(), -1, 0) != 0) {
    throw std::runtime_error("libfcgi does not start");
  }
  request_->ipcFd = connection.release();
  request_->keepConnection = 1;
}

Exchange::~Exchange() { end(); }

int Exchange::fd() const { return request_->ipcFd; }

bool Exchange::serve(const Handler& handler, Keep keep) {
  if (!read_whole_request()) {
    end();
    return false;
  }
  const std::string text = http::cgi_text(answer_to(*request_, handler));
  FCGX_PutStr(text.data(), static_cast<int>(text.size()), request_->out);
  if (keep == Keep::no) request_->keepConnection = 0;
  FCGX_Finish_r(request_.get());
  return request_->ipcFd != -1;
}

// FCGX_Accept_r says 0 also for parameters that were cut off between two pairs; only the stream's
// error tells, at the end of drain(). `detached` keeps libfcgi from waiting, 2 s at most, for the
// peer to close first.
bool Exchange::read_whole_request() {
  request_->detached = 1;
  if (FCGX_Accept_r(request_.get()) < 0) return false;
  return request_->role == FCGI_RESPONDER && drain(request_->in);
}

// Without a word to the peer: there is no request that could be answered.
void Exchange::end() {
  if (request_->ipcFd == -1) return;
  request_->detached = 1;
  FCGX_Free(request_.get(), 1);
}

}  // namespace fcgi
