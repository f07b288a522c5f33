#include "visits/view/metrics.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "visits/view/escape.hpp"

namespace visits::view {
namespace {

using State = Process::State;

std::string seconds_text(std::chrono::nanoseconds time) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.9f", std::chrono::duration<double>(time).count());
  return text.data();
}

// As OpenMetrics wants bounds: 5e-05, 0.25, 1.0.
std::string bound_text(std::size_t bucket) {
  if (bucket == Histogram::bounds_us.size()) return "+Inf";
  std::array<char, 40> text{};
  const double seconds = static_cast<double>(Histogram::bounds_us.at(bucket)) / 1e6;
  std::snprintf(text.data(), text.size(), "%g", seconds);
  std::string bound = text.data();
  return bound.find_first_of(".e") == std::string::npos ? bound + ".0" : bound;
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + label_escaped(value) + "\"";
}

// Writes the exposition, one family after the other.
class Page {
 public:
  explicit Page(std::string_view pool) : pool_(label("pool", pool)) {}

  Page& family(std::string_view name, std::string_view type, std::string_view help,
               std::string_view unit = {}) {
    name_ = "visits_" + std::string(name);
    line("TYPE", type);
    if (!unit.empty()) line("UNIT", unit);
    line("HELP", help);
    return *this;
  }

  template <class Number>
  Page& sample(Number value, std::string_view suffix = {}, const std::string& labels = {}) {
    return text_sample(std::to_string(value), suffix, labels);
  }

  Page& text_sample(const std::string& value, std::string_view suffix, const std::string& labels) {
    text_.append(name_).append(suffix).append("{").append(pool_);
    if (!labels.empty()) text_.append(",").append(labels);
    text_.append("} ").append(value).append("\n");
    return *this;
  }

  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    family(name, "counter", help).sample(value, "_total");
  }

  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number value,
             std::string_view unit = {}) {
    family(name, "gauge", help, unit).sample(value);
  }

  void histogram(std::string_view name, std::string_view help, const Histogram::Reading& reading);

  std::string finish() && { return std::move(text_.append("# EOF\n")); }

 private:
  void line(std::string_view word, std::string_view rest) {
    text_.append("# ").append(word).append(" ").append(name_).append(" ").append(rest).append("\n");
  }

  std::string pool_;
  std::string name_;
  std::string text_;
};

void Page::histogram(std::string_view name, std::string_view help,
                     const Histogram::Reading& reading) {
  family(name, "histogram", help, "seconds");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < reading.counts.size(); ++i) {
    below += reading.counts[i];
    sample(below, "_bucket", "le=\"" + bound_text(i) + "\"");
  }
  sample(below, "_count");
  text_sample(seconds_text(reading.sum), "_sum", {});
}

void requests(Page& page, const Snapshot& snapshot) {
  const Statistics::Totals& totals = snapshot.totals;
  page.counter("counted", "Visits that were counted.", totals.visits);
  page.family("requests", "counter", "Requests answered by the workers, by status code.");
  for (std::size_t i = 0; i < Statistics::statuses.size(); ++i) {
    const int status = Statistics::statuses.at(i);
    const std::string code = status == 0 ? "other" : std::to_string(status);
    page.sample(totals.answers.at(i), "_total", label("code", code));
  }
  page.counter("requests_begun", "Requests that the workers have begun.", snapshot.accepted);
  page.counter("requests_slow", "Requests over request_slowlog_timeout.", snapshot.slow);
  page.counter("requests_terminated", "Requests over request_terminate_timeout.",
               snapshot.terminated);
  page.counter("requests_refused", "Requests that had waited for longer than queue.max_age.",
               totals.refused);
  page.counter("requests_abandoned", "Requests dropped because their client had left.",
               totals.abandoned);
  page.counter("events_dropped", "Events that the queue had no room for.", totals.dropped_events);
  page.histogram("service_seconds", "Time from a request's begin to its answer.", totals.service);
  page.histogram("wait_seconds", "Time from a request's arrival at the web server to its begin.",
                 totals.queue);
}

void queue(Page& page, const Snapshot& snapshot) {
  if (snapshot.queue) {
    page.gauge("queue_length", "Connections that no worker has accepted yet.",
               snapshot.queue->pending);
    page.gauge("queue_capacity", "Longest that the queue can be.", snapshot.queue->capacity);
  }
  page.gauge("queue_length_max", "Longest queue seen since the start.", snapshot.max_queue);
}

void workers(Page& page, const Snapshot& snapshot) {
  page.family("workers", "gauge", "Workers, by what they do.");
  const auto by_state = [&](std::string_view state, int count) {
    page.sample(count, {}, label("state", state));
  };
  by_state("busy", snapshot.count(State::busy));
  by_state("idle", snapshot.count(State::idle));
  by_state("starting", snapshot.count(State::starting));
  page.gauge("workers_limit", "Most workers allowed: pm.max_children.", snapshot.max_children);
  page.gauge("workers_busy_max", "Most workers busy at once since the start.", snapshot.max_active);
  page.counter("workers_limit_reached", "Times that more workers were wanted than allowed.",
               snapshot.max_children_reached);
  page.counter("worker_starts", "Workers forked.", snapshot.spawned);
  page.family("worker_ends", "counter", "Workers that have ended, by why.");
  page.sample(snapshot.recycled, "_total", label("cause", "recycled"));
  page.sample(snapshot.crashed, "_total", label("cause", "crashed"));
  page.sample(snapshot.failed, "_total", label("cause", "failed"));
}

void pool(Page& page, const Snapshot& snapshot, std::string_view version) {
  page.family("reloads", "counter", "Reloads, by how they ended.");
  page.sample(snapshot.reloads, "_total", label("result", "done"));
  page.sample(snapshot.reloads_refused, "_total", label("result", "refused"));
  page.gauge("start_time_seconds", "When the pool started, since 1970.",
             snapshot.started_at.count(), "seconds");
  page.gauge("uptime_seconds", "Time since then.", snapshot.uptime().count(), "seconds");
  page.family("build", "info", "What runs.").sample(1, "_info", label("version", version));
}

}  // namespace

std::string metrics(const Snapshot& snapshot, std::string_view version) {
  Page page(snapshot.pool);
  requests(page, snapshot);
  queue(page, snapshot);
  workers(page, snapshot);
  pool(page, snapshot, version);
  return std::move(page).finish();
}

}  // namespace visits::view
