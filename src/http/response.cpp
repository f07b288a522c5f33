#include "http/response.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace http {
namespace {

constexpr std::size_t longest_number = 20;

char* put(char* at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }

char* put(char* at, std::size_t number) {
  return std::to_chars(at, at + longest_number, number).ptr;
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

// Room for all of it is made first, and what was not needed given back.
void write_cgi(std::string& text, const Response& response, Body body) {
  constexpr std::size_t names_and_numbers = 200;
  const std::string_view reason = reason_of(response.status);
  text.resize(names_and_numbers + reason.size() + response.content_type.size() +
              response.caching.size() + response.body.size());
  char* at = put(text.data(), "Status: ");
  at = put(at, static_cast<std::size_t>(response.status));
  at = put(at, " ");
  at = put(at, reason);
  at = put(at, "\r\nContent-Type: ");
  at = put(at, response.content_type);
  at = put(at, "\r\nContent-Length: ");
  at = put(at, response.body.size());
  at = put(at, "\r\n");
  at = put(at, response.caching);
  if (response.retry_after > 0) {
    at = put(at, "\r\nRetry-After: ");
    at = put(at, static_cast<std::size_t>(response.retry_after));
  }
  at = put(at, "\r\n\r\n");
  if (body == Body::sent) at = put(at, response.body);
  text.resize(static_cast<std::size_t>(at - text.data()));
}

}  // namespace http
