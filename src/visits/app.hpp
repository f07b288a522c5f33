#pragma once

#include <functional>
#include <string>

#include "http/request.hpp"
#include "http/response.hpp"
#include "visits/counter.hpp"

namespace visits {

// The application: which path gets which answer. One per worker.
//   /readyz                     200 while the counter answers and the pool is not stopping, else
//   503 /status /ping /metrics      404: kept for pages to come, so no visit any other counts a
//   visit, answers "N visits so far"
// A request that cannot be counted gets a 503; the reason goes to the log, not to the client.
class App {
 public:
  using Report = std::function<void(const std::string&)>;

  App(Counter& counter, Report report);

  http::Response answer(const http::Request& request, bool stopping);

 private:
  http::Response visit();
  http::Response readiness(bool stopping);

  Counter& counter_;
  Report report_;
};

}  // namespace visits
