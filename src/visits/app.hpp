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

// What an App has to do with besides its counter. What is left out is not there.
struct Surroundings {
  Events* events = nullptr;          // told of every visit, counted or not
  Statistics::Row* row = nullptr;    // where the answers are counted and timed
  std::function<bool()> stopping{};  // asked whether the pool is about to end
};

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

  App(Counter& counter, Report report, Surroundings around = {});

  // `response` comes as a new one. Where its body has memory already, a visit allocates none.
  void answer(const http::Request& request, http::Response& response);

  // The number of the visit that was answered last; none: it was not counted.
  std::optional<std::int64_t> counted() const { return counted_; }

 private:
  void respond(const http::Request& request, http::Response& response);
  void visit(std::string_view path, http::Response& response);
  void count_visit(http::Response& response);
  void check_readiness(http::Response& response);

  Counter& counter_;
  Report report_;
  Surroundings around_;
  std::optional<std::int64_t> counted_{};
};

}  // namespace visits
