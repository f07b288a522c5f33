#pragma once

#include <functional>

#include "http/request.hpp"
#include "http/response.hpp"

namespace fcgi {

// Answers one request. Called for whole requests only: parameters and body arrived undamaged, and
// the body was read to its end. What it throws ends the worker.
using Handler = std::function<http::Response(const http::Request&)>;

}  // namespace fcgi
