#include "http/response.hpp"

namespace http {

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
  constexpr std::size_t room_for_headers = 200;
  std::string text;
  text.reserve(room_for_headers + response.body.size());
  text.append("Status: ").append(std::to_string(response.status));
  text.append(" ").append(reason_of(response.status));
  text.append("\r\nContent-Type: ").append(response.content_type);
  text.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  text.append("\r\n").append(response.caching);
  if (response.retry_after > 0) {
    text.append("\r\nRetry-After: ").append(std::to_string(response.retry_after));
  }
  text.append("\r\n\r\n");
  if (body == Body::sent) text.append(response.body);
  return text;
}

}  // namespace http
