#pragma once

#include <string>
#include <string_view>

namespace http {

// What a handler answers.
struct Response {
  int status = 200;
  std::string_view content_type = "text/html; charset=UTF-8";
  std::string body;
  int retry_after = 0;                                   // seconds; 0: no Retry-After header
  std::string_view caching = "Cache-Control: no-store";  // the header lines that forbid it

  // As new; the body's memory stays.
  void begin_anew();
};

// "OK" for 200, "" for a status this service never sends.
std::string_view reason_of(int status);

// An answer to HEAD tells the length of a body that is left out.
enum class Body { sent, left_out };

// The response in CGI form, as FastCGI's STDOUT stream carries it: headers, an empty line, body.
// Every response forbids caching, because every one is true for one moment only.
std::string cgi_text(const Response& response, Body body = Body::sent);

// The same, in place of what `text` holds; its memory is used again.
void write_cgi(std::string& text, const Response& response, Body body = Body::sent);

}  // namespace http
