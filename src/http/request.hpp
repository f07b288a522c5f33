#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace http {

// One request, as much of it as a handler here needs. The views are good until the handler returns.
struct Request {
  std::string_view method;  // "GET"
  std::string_view target;  // as the client sent it: "/a/b?x=1"

  // All that the web server says of the request, in CGI's form: "NAME=value" each, up to a null
  // pointer. What is asked for by name is looked for there; nothing is copied.
  const char* const* parameters = nullptr;

  std::string_view body = {};  // empty, too, where bodies are not kept

  std::string_view path() const { return target.substr(0, target.find('?')); }

  // CGI's parameter of that name: QUERY_STRING, REMOTE_ADDR, CONTENT_LENGTH and so on. Empty when
  // the web server does not pass it; of several with one name the first. REQUIRES: no NUL in it.
  std::string_view parameter(std::string_view name) const;

  // When the web server had the whole request: REQUEST_START, nginx's $msec (seconds with three
  // decimals). None when it is not passed, or is no time.
  std::optional<std::chrono::system_clock::time_point> start() const;
};

}  // namespace http
