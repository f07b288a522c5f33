#pragma once

#include <functional>

#include "http/request.hpp"
#include "http/response.hpp"

namespace fcgi {

// Answers one request: fills a response that comes as a new one, but may have memory of answers
// before it, so that a body that is assigned or appended to need not be allocated. Called for whole
// requests only: parameters and body arrived undamaged, and the body was read to its end. What it
// throws ends the worker.
using Handler = std::function<void(const http::Request&, http::Response&)>;

}  // namespace fcgi
