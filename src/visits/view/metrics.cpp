#include "visits/view/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

#include "visits/view/escape.hpp"

namespace visits::view {
namespace {

using State = Process::State;

// As OpenMetrics wants bounds: 5e-05, 0.25, 1.0.
std::string bound_text(std::size_t bucket) {
  if (bucket == Histogram::bounds_us.size()) return "+Inf";
  std::array<char, 40> text{};
  const double seconds = static_cast<double>(Histogram::bounds_us.at(bucket)) / 1e6;
  std::snprintf(text.data(), text.size(), "%g", seconds);
  std::string bound = text.data();
  return bound.find_first_of(".e") == std::string::npos ? bound + ".0" : bound;
}

std::string code_text(std::size_t answer) {
  const int status = Statistics::statuses.at(answer);
  return status == 0 ? "other" : std::to_string(status);
}

std::string label_text(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + label_escaped(value) + "\"";
}

// Labels are functions that give them: whoever writes numbers alone asks for none.
auto label(std::string_view name, std::string_view value) {
  return [=] { return label_text(name, value); };
}

auto no_label() {
  return [] { return std::string(); };
}

// Writes the form, one family after the other. Whatever describes a page to this describes it to
// Numbers, too.
class Outline {
 public:
  explicit Outline(std::string_view pool) : pool_(label_text("pool", pool)) {}

  void family(std::string_view name, std::string_view type, std::string_view help,
              std::string_view unit = {}) {
    name_ = "visits_" + std::string(name);
    line("TYPE", type);
    if (!unit.empty()) line("UNIT", unit);
    line("HELP", help);
  }

  template <class Value, class Label>
  void sample(Value /*value*/, std::string_view suffix, Label label) {
    const std::string more = label();
    std::string& text = form_.text;
    text.append(name_).append(suffix).append("{").append(pool_);
    if (!more.empty()) text.append(",").append(more);
    form_.gaps.push_back(text.append("} ").size());
    text.append("\n");
  }

  Form finish() {
    form_.text.append("# EOF\n");
    return std::move(form_);
  }

 private:
  void line(std::string_view word, std::string_view rest) {
    form_.text.append("# ").append(word).append(" ").append(name_).append(" ").append(rest).append(
        "\n");
  }

  std::string pool_;
  std::string name_;
  Form form_;
};

// Writes the page: the form, with the numbers in its gaps.
class Numbers {
 public:
  explicit Numbers(const Form& form)
      : form_(form),
        gap_(form.gaps.begin()),
        page_(form.text.size() + form.gaps.size() * most_digits, '\0'),
        to_(page_.data()) {}
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  ~Numbers() = default;

  void family(std::string_view /*name*/, std::string_view /*type*/, std::string_view /*help*/,
              std::string_view /*unit*/ = {}) {}

  template <class Value, class Label>
  void sample(Value value, std::string_view /*suffix*/, Label /*label*/) {
    copy_until(*gap_++);
    put(value);
  }

  std::string finish() {
    copy_until(form_.text.size());
    page_.resize(static_cast<std::size_t>(to_ - page_.data()));
    return std::move(page_);
  }

 private:
  static constexpr std::size_t most_digits = 24;  // of a number, or of seconds with their point

  void copy_until(std::size_t end) {
    to_ = std::copy(form_.text.data() + copied_, form_.text.data() + end, to_);
    copied_ = end;
  }

  template <class Integer>
  void put(Integer number) {
    to_ = std::to_chars(to_, to_ + most_digits, number).ptr;
  }

  // In seconds, to the nanosecond.
  void put(std::chrono::nanoseconds time) {
    constexpr std::uint64_t second = 1'000'000'000;
    const auto count = static_cast<std::uint64_t>(time.count());
    put(count / second);
    char* const point = to_;
    put(second + count % second);
    *point = '.';  // in place of the 1 that kept the zeros
  }

  const Form& form_;
  std::vector<std::size_t>::const_iterator gap_;
  std::size_t copied_ = 0;
  std::string page_;
  char* to_;
};

template <class Page>
void counter(Page& page, std::string_view name, std::string_view help, std::uint64_t value) {
  page.family(name, "counter", help);
  page.sample(value, "_total", no_label());
}

template <class Page, class Value>
void gauge(Page& page, std::string_view name, std::string_view help, Value value,
           std::string_view unit = {}) {
  page.family(name, "gauge", help, unit);
  page.sample(value, "", no_label());
}

template <class Page>
void histogram(Page& page, std::string_view name, std::string_view help,
               const Histogram::Reading& reading) {
  page.family(name, "histogram", help, "seconds");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < reading.counts.size(); ++i) {
    below += reading.counts[i];
    page.sample(below, "_bucket", [i] { return label_text("le", bound_text(i)); });
  }
  page.sample(below, "_count", no_label());
  page.sample(reading.sum, "_sum", no_label());
}

template <class Page>
void requests(Page& page, const Snapshot& snapshot) {
  const Statistics::Totals& totals = snapshot.totals;
  counter(page, "counted", "Visits that were counted.", totals.visits);
  page.family("requests", "counter", "Requests answered by the workers, by status code.");
  for (std::size_t i = 0; i < Statistics::statuses.size(); ++i) {
    page.sample(totals.answers[i], "_total", [i] { return label_text("code", code_text(i)); });
  }
  counter(page, "requests_begun", "Requests that the workers have begun.", snapshot.accepted);
  counter(page, "requests_slow", "Requests over request_slowlog_timeout.", snapshot.slow);
  counter(page, "requests_terminated", "Requests over request_terminate_timeout.",
          snapshot.terminated);
  counter(page, "requests_refused", "Requests that had waited for longer than queue.max_age.",
          totals.refused);
  counter(page, "requests_abandoned", "Requests dropped because their client had left.",
          totals.abandoned);
  counter(page, "events_dropped", "Events that the queue had no room for.", totals.dropped_events);
  histogram(page, "service_seconds", "Time from a request's begin to its answer.", totals.service);
  histogram(page, "wait_seconds", "Time from a request's arrival at the web server to its begin.",
            totals.queue);
}

template <class Page>
void queue(Page& page, const Snapshot& snapshot) {
  if (snapshot.queue) {
    gauge(page, "queue_length", "Connections that no worker has accepted yet.",
          snapshot.queue->pending);
    gauge(page, "queue_capacity", "Longest that the queue can be.", snapshot.queue->capacity);
  }
  gauge(page, "queue_length_max", "Longest queue seen since the start.", snapshot.max_queue);
}

template <class Page>
void workers(Page& page, const Snapshot& snapshot) {
  page.family("workers", "gauge", "Workers, by what they do.");
  const auto by_state = [&](std::string_view state, int count) {
    page.sample(count, "", label("state", state));
  };
  by_state("busy", snapshot.count(State::busy));
  by_state("idle", snapshot.count(State::idle));
  by_state("starting", snapshot.count(State::starting));
  gauge(page, "workers_limit", "Most workers allowed: pm.max_children.", snapshot.max_children);
  gauge(page, "workers_busy_max", "Most workers busy at once since the start.",
        snapshot.max_active);
  counter(page, "workers_limit_reached", "Times that more workers were wanted than allowed.",
          snapshot.max_children_reached);
  counter(page, "worker_starts", "Workers forked.", snapshot.spawned);
  page.family("worker_ends", "counter", "Workers that have ended, by why.");
  page.sample(snapshot.recycled, "_total", label("cause", "recycled"));
  page.sample(snapshot.crashed, "_total", label("cause", "crashed"));
  page.sample(snapshot.failed, "_total", label("cause", "failed"));
}

template <class Page>
void pool(Page& page, const Snapshot& snapshot, std::string_view version) {
  page.family("reloads", "counter", "Reloads, by how they ended.");
  page.sample(snapshot.reloads, "_total", label("result", "done"));
  page.sample(snapshot.reloads_refused, "_total", label("result", "refused"));
  gauge(page, "start_time_seconds", "When the pool started, since 1970.",
        snapshot.started_at.count(), "seconds");
  gauge(page, "uptime_seconds", "Time since then.", snapshot.uptime().count(), "seconds");
  page.family("build", "info", "What runs.");
  page.sample(1, "_info", label("version", version));
}

template <class Page>
auto written(Page&& page, const Snapshot& snapshot, std::string_view version) {
  requests(page, snapshot);
  queue(page, snapshot);
  workers(page, snapshot);
  pool(page, snapshot, version);
  return page.finish();
}

}  // namespace

std::string Metrics::page(const Snapshot& snapshot) {
  if (!fits(snapshot)) {
    pool_ = snapshot.pool;
    has_queue_ = snapshot.queue.has_value();
    form_ = written(Outline(pool_), snapshot, version_);
  }
  return written(Numbers(form_), snapshot, version_);
}

bool Metrics::fits(const Snapshot& snapshot) const {
  return !form_.text.empty() && pool_ == snapshot.pool && has_queue_ == snapshot.queue.has_value();
}

}  // namespace visits::view
