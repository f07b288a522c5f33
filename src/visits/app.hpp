#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "http/response.hpp"
#include "visits/counter.hpp"
#include "visits/events.hpp"
#include "visits/statistics.hpp"

namespace visits {

// The application: which path gets which answer. One per worker.
//
//   /readyz                    200 while the counter answers and the pool is not stopping, else 503
//
//   /status /ping /metrics     404: kept for pages to come, so no visit
//
//   any other                  counts a visit, answers "N visits so far"
//
// A visit that cannot be counted gets a 503; the reason goes to the log, not to the client.
class App {
 public:
  using Report = std::function<void(const std::string&)>;

  // `events`: told of every visit, counted or not; nullptr: nobody is. `row`: where the answers are
  // counted and timed; nullptr: nowhere.
  App(Counter& counter, Events* events, Report report, Statistics::Row* row = nullptr);

  http::Response answer(const http::Request& request, bool stopping);

  // The number of the visit that was answered last; none: it was not counted.
  std::optional<std::int64_t> counted() const { return counted_; }

 private:
  http::Response respond(const http::Request& request, bool stopping);
  http::Response visit(std::string_view path);
  http::Response count_visit();
  http::Response readiness(bool stopping);

  Counter& counter_;
  Events* events_;
  Report report_;
  Statistics::Row* row_;
  std::optional<std::int64_t> counted_{};
};

}  // namespace visits
