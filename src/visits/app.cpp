#include "visits/app.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <exception>
#include <string_view>
#include <utility>

namespace visits {
namespace {

constexpr std::array<std::string_view, 3> reserved = {"/status", "/ping", "/metrics"};
constexpr std::string_view plain = "text/plain; charset=UTF-8";

http::Response unavailable(std::string why) {
  return {.status = 503, .content_type = plain, .body = std::move(why), .retry_after = 1};
}

}  // namespace

App::App(Counter& counter, Events* events, Report report, Statistics::Row* row)
    : counter_(counter), events_(events), report_(std::move(report)), row_(row) {}

http::Response App::answer(const http::Request& request, bool stopping) {
  if (row_ == nullptr) return respond(request, stopping);
  if (const auto start = request.start()) {
    row_->queue.add(std::chrono::system_clock::now() - *start);
  }
  const auto begin = std::chrono::steady_clock::now();
  http::Response response = respond(request, stopping);
  row_->service.add(std::chrono::steady_clock::now() - begin);
  row_->answered(response.status);
  return response;
}

http::Response App::respond(const http::Request& request, bool stopping) {
  const std::string_view path = request.path();
  counted_.reset();
  if (path == "/readyz") return readiness(stopping);
  if (std::find(reserved.begin(), reserved.end(), path) != reserved.end()) {
    return {.status = 404, .content_type = plain, .body = "not found\n"};
  }
  return visit(path);
}

http::Response App::visit(std::string_view path) {
  http::Response response = count_visit();
  if (events_ != nullptr) {
    const std::uint64_t dropped = events_->dropped();
    events_->send(
        {.time = std::time(nullptr), .path = path, .count = counted_, .status = response.status});
    if (row_ != nullptr) row_->dropped_events.add(events_->dropped() - dropped);
  }
  return response;
}

http::Response App::count_visit() try {
  counted_ = counter_.add_visit();
  if (row_ != nullptr) row_->visits.add();
  return {.body = std::to_string(*counted_) + " visits so far"};
} catch (const std::exception& error) {
  report_(std::string("not counted: ") + error.what());
  return unavailable("this visit could not be counted\n");
}

http::Response App::readiness(bool stopping) try {
  if (stopping) return unavailable("stopping\n");
  counter_.count();
  return {.content_type = plain, .body = "ready\n"};
} catch (const std::exception& error) {
  report_(std::string("not ready: ") + error.what());
  return unavailable("not ready\n");
}

}  // namespace visits
