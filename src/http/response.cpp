#include "http/response.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace http {
namespace {

void append_number(std::string& text, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

}  // namespace

void Response::begin_anew() {
  Response anew;
  anew.body = std::move(body);
  anew.body.clear();
  *this = std::move(anew);
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}

std::string cgi_text(const Response& response, Body body) {
  std::string text;
  write_cgi(text, response, body);
  return text;
}

void write_cgi(std::string& text, const Response& response, Body body) {
  constexpr std::size_t room_for_headers = 200;
  text.clear();
  text.reserve(room_for_headers + response.body.size());
  text.append("Status: ");
  append_number(text, static_cast<std::size_t>(response.status));
  text.append(" ").append(reason_of(response.status));
  text.append("\r\nContent-Type: ").append(response.content_type);
  text.append("\r\nContent-Length: ");
  append_number(text, response.body.size());
  text.append("\r\n").append(response.caching);
  if (response.retry_after > 0) {
    text.append("\r\nRetry-After: ");
    append_number(text, static_cast<std::size_t>(response.retry_after));
  }
  text.append("\r\n\r\n");
  if (body == Body::sent) text.append(response.body);
}

}  // namespace http
