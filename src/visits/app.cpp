#include "visits/app.hpp"

#include <algorithm>
#include <array>
#include <charconv>
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

void say(http::Response& response, int status, std::string_view body) {
  response.status = status;
  response.content_type = plain;
  response.body = body;
}

void refuse(http::Response& response, std::string_view why) {
  say(response, 503, why);
  response.retry_after = 1;
}

void say_count(http::Response& response, std::int64_t count) {
  std::array<char, 20> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), count).ptr;
  response.body.assign(digits.data(), static_cast<std::size_t>(end - digits.data()));
  response.body.append(" visits so far");
}

}  // namespace

App::App(Counter& counter, Report report, Surroundings around)
    : counter_(counter), report_(std::move(report)), around_(std::move(around)) {}

void App::answer(const http::Request& request, http::Response& response) {
  Statistics::Row* const row = around_.row;
  if (row == nullptr) return respond(request, response);
  if (const auto start = request.start()) {
    row->queue.add(std::chrono::system_clock::now() - *start);
  }
  const auto begin = std::chrono::steady_clock::now();
  respond(request, response);
  row->service.add(std::chrono::steady_clock::now() - begin);
  row->answered(response.status);
}

void App::respond(const http::Request& request, http::Response& response) {
  const std::string_view path = request.path();
  counted_.reset();
  if (path == "/readyz") return check_readiness(response);
  if (std::find(reserved.begin(), reserved.end(), path) != reserved.end()) {
    return say(response, 404, "not found\n");
  }
  visit(path, response);
}

void App::visit(std::string_view path, http::Response& response) {
  count_visit(response);
  if (around_.events == nullptr) return;
  Events& events = *around_.events;
  const std::uint64_t dropped = events.dropped();
  events.send(
      {.time = std::time(nullptr), .path = path, .count = counted_, .status = response.status});
  if (around_.row != nullptr) around_.row->dropped_events.add(events.dropped() - dropped);
}

void App::count_visit(http::Response& response) try {
  counted_ = counter_.add_visit();
  if (around_.row != nullptr) around_.row->visits.add();
  say_count(response, *counted_);
} catch (const std::exception& error) {
  report_(std::string("not counted: ") + error.what());
  refuse(response, "this visit could not be counted\n");
}

void App::check_readiness(http::Response& response) try {
  if (around_.stopping && around_.stopping()) return refuse(response, "stopping\n");
  counter_.count();
  say(response, 200, "ready\n");
} catch (const std::exception& error) {
  report_(std::string("not ready: ") + error.what());
  refuse(response, "not ready\n");
}

}  // namespace visits
