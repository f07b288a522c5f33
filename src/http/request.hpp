#pragma once

#include <string_view>

namespace http {

// One request, as much of it as a handler here needs. The views are good until the handler returns.
struct Request {
  std::string_view method;  // "GET"
  std::string_view target;  // as the client sent it: "/a/b?x=1"

  std::string_view path() const { return target.substr(0, target.find('?')); }
};

}  // namespace http
