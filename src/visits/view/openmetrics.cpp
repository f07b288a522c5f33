#include "visits/view/openmetrics.hpp"

#include <array>
#include <string_view>

#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

enum class First { help, type };

struct Metric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::string value;
  First first = First::help;
};

void add_line(std::string& page, std::string_view begin, std::string_view name,
              std::string_view rest) {
  page.append(begin).append("phpfpm_").append(name).append(" ").append(rest).append("\n");
}

void add(std::string& page, const Metric& metric) {
  if (metric.first == First::help) add_line(page, "# HELP ", metric.name, metric.help);
  add_line(page, "# TYPE ", metric.name, metric.type);
  if (metric.first == First::type) add_line(page, "# HELP ", metric.name, metric.help);
  add_line(page, "", metric.name, metric.value);
}

std::string question(const Snapshot& snapshot) {
  return "Could pool " + snapshot.pool + " using a " + std::string(word_for(snapshot.sizing)) +
         " PM on PHP-FPM be reached?";
}

std::array<Metric, 12> metrics_of(const Snapshot& snapshot, std::string_view question) {
  const os::Backlog queue = snapshot.queue.value_or(os::Backlog{});
  const auto text = [](auto number) { return std::to_string(number); };
  return {{
      {"up", "gauge", question, "1"},
      {"start_since", "counter", "The number of seconds since FPM has started.",
       text(snapshot.uptime().count())},
      {"accepted_connections", "counter", "The number of requests accepted by the pool.",
       text(snapshot.accepted)},
      {"listen_queue", "gauge", "The number of requests in the queue of pending connections.",
       text(queue.pending)},
      {"max_listen_queue", "counter",
       "The maximum number of requests in the queue of pending connections since FPM has started.",
       text(snapshot.max_queue)},
      {"listen_queue_length", "gauge", "The size of the socket queue of pending connections.",
       text(queue.capacity), First::type},
      {"idle_processes", "gauge", "The number of idle processes.", text(idle_in(snapshot))},
      {"active_processes", "gauge", "The number of active processes.",
       text(snapshot.count(Process::State::busy))},
      {"total_processes", "gauge", "The number of idle + active processes.",
       text(snapshot.processes.size())},
      {"max_active_processes", "counter",
       "The maximum number of active processes since FPM has started.", text(snapshot.max_active)},
      {"max_children_reached", "counter",
       "The number of times, the process limit has been reached, when pm tries to start more "
       "children (works only for pm 'dynamic' and 'ondemand').",
       text(snapshot.max_children_reached)},
      {"slow_requests", "counter",
       "The number of requests that exceeded your 'request_slowlog_timeout' value.",
       text(snapshot.slow)},
  }};
}

}  // namespace

std::string openmetrics(const Snapshot& snapshot) {
  std::string page;
  const std::string reached = question(snapshot);
  for (const Metric& metric : metrics_of(snapshot, reached)) add(page, metric);
  return page + "# EOF\n";
}

}  // namespace visits::view
