#include "fcgi/codec.hpp"

#include <fcgiapp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "os/error.hpp"

namespace fcgi {
namespace {

std::string_view parameter(const FCGX_Request& request, const char* name) {
  const char* const value = FCGX_GetParam(name, request.envp);
  return value == nullptr ? std::string_view{} : value;
}

// What stands for REQUEST_URI where a client speaks FastCGI itself, as php-fpm's exporters do.
std::string script_and_query(const FCGX_Request& parameters) {
  std::string target(parameter(parameters, "SCRIPT_NAME"));
  const std::string_view query = parameter(parameters, "QUERY_STRING");
  if (!target.empty() && !query.empty()) target.append("?").append(query);
  return target;
}

http::Response answer_to(const FCGX_Request& parameters, const Handler& handler) {
  std::string instead;
  http::Request request{.method = parameter(parameters, "REQUEST_METHOD"),
                        .target = parameter(parameters, "REQUEST_URI"),
                        .parameters = parameters.envp};
  if (request.target.empty()) request.target = instead = script_and_query(parameters);
  if (request.method.empty() || request.target.empty()) {
    return {.status = 400,
            .content_type = "text/plain; charset=UTF-8",
            .body = "the web server must pass REQUEST_METHOD and REQUEST_URI (fastcgi_param)\n"};
  }
  return handler(request);
}

constexpr off_t most = 65536;  // bytes of answered requests that are kept in memory

os::Descriptor file_in_memory() {
  os::Descriptor file(memfd_create("request", MFD_CLOEXEC));
  if (!file) os::fail("memfd_create");
  return file;
}

}  // namespace

// Lets go of the memory alone: the descriptors are never libfcgi's.
void Codec::Free::operator()(FCGX_Request* request) const {
  FCGX_Free(request, 0);
  delete request;
}

// libfcgi never accepts by itself: the listening socket is -1.
Codec::Codec() : file_(file_in_memory()), request_(new FCGX_Request{}) {
  static const int initialized = FCGX_Init();
  if (initialized != 0 || FCGX_InitRequest(request_.get(), -1, 0) != 0) {
    throw std::runtime_error("libfcgi does not start");
  }
}

Codec::~Codec() = default;

bool Codec::answer(const std::string& text, int connection, const Handler& handler) {
  if (!read(text)) return false;
  const http::Response response = answer_to(*request_, handler);
  const bool is_head = parameter(*request_, "REQUEST_METHOD") == "HEAD";
  return write(http::cgi_text(response, is_head ? http::Body::left_out : http::Body::sent),
               connection);
}

// `keepConnection` keeps FCGX_Accept_r from closing the file first. What libfcgi cannot read it
// closes; no sound request is like that.
bool Codec::read(const std::string& text) {
  put(text);
  FCGX_Free(request_.get(), 0);  // what a handler left that threw
  request_->ipcFd = file_.release();
  request_->keepConnection = 1;
  request_->detached = 1;
  const bool read = FCGX_Accept_r(request_.get()) == 0 && FCGX_GetChar(request_->in) == EOF &&
                    FCGX_GetError(request_->in) == 0;
  file_ = os::Descriptor(std::exchange(request_->ipcFd, -1));
  if (!read) empty_file();
  return read;
}

void Codec::put(const std::string& text) {
  if (end_ > most) empty_file();
  if (!file_) file_ = file_in_memory();
  const auto size = static_cast<ssize_t>(text.size());
  if (pwrite(file_.get(), text.data(), text.size(), end_) != size) os::fail("pwrite");
  end_ += size;
}

void Codec::empty_file() {
  end_ = 0;
  if (!file_) return;
  if (lseek(file_.get(), 0, SEEK_SET) == -1) os::fail("lseek");
  if (ftruncate(file_.get(), 0) == -1) os::fail("ftruncate");
}

// FCGX_Finish_r without its close. FCGX_FClose of the last stream sends the end of the request.
bool Codec::write(const std::string& text, int connection) {
  request_->ipcFd = connection;
  FCGX_PutStr(text.data(), static_cast<int>(text.size()), request_->out);
  const bool closed_err = FCGX_FClose(request_->err) == 0;
  const bool closed_out = FCGX_FClose(request_->out) == 0;
  FCGX_Free(request_.get(), 0);
  request_->ipcFd = -1;
  return closed_err && closed_out;
}

}  // namespace fcgi
