#include "visits/view/fields.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace visits::view {
namespace {

using State = Process::State;

std::string time_text(std::chrono::seconds time, Times times) {
  if (times == Times::seconds) return std::to_string(time.count());
  const std::time_t since_1970 = time.count();
  std::tm local{};
  std::array<char, 64> text{};
  localtime_r(&since_1970, &local);
  return {text.data(), std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S %z", &local)};
}

std::string two_decimals(double number) {
  std::array<char, 32> text{};
  char* const end =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 2)
          .ptr;
  return {text.data(), end};
}

Field text(std::string_view name, std::string_view value) {
  return {name, std::string(value), Field::Kind::text};
}

template <class Number>
Field number(std::string_view name, Number value) {
  return {name, std::to_string(value)};
}

Field start_time(std::chrono::seconds time, Times times) {
  return {"start time", time_text(time, times)};
}

}  // namespace

std::string_view word_for(prefork::Sizing sizing) {
  switch (sizing) {
    case prefork::Sizing::dynamic: return "dynamic";
    case prefork::Sizing::ondemand: return "ondemand";
    default: return "static";
  }
}

int idle_in(const Snapshot& snapshot) {
  return snapshot.count(State::idle) + snapshot.count(State::starting);
}

std::array<Field, 14> fields_of(const Snapshot& snapshot, Times times) {
  const os::Backlog queue = snapshot.queue.value_or(os::Backlog{});
  return {{
      text("pool", snapshot.pool),
      text("process manager", word_for(snapshot.sizing)),
      start_time(snapshot.started_at, times),
      number("start since", snapshot.uptime().count()),
      number("accepted conn", snapshot.accepted),
      number("listen queue", queue.pending),
      number("max listen queue", snapshot.max_queue),
      number("listen queue len", queue.capacity),
      number("idle processes", idle_in(snapshot)),
      number("active processes", snapshot.count(State::busy)),
      number("total processes", snapshot.processes.size()),
      number("max active processes", snapshot.max_active),
      number("max children reached", snapshot.max_children_reached),
      number("slow requests", snapshot.slow),
  }};
}

std::array<Field, 13> fields_of(const Process& process, const Snapshot& snapshot, Times times) {
  return {{
      number("pid", process.pid),
      text("state", process.state == State::busy ? "Running" : "Idle"),
      start_time(process.started_at, times),
      number("start since", (snapshot.now - process.started_at).count()),
      number("requests", process.requests),
      number("request duration", process.duration.count()),
      text("request method", process.method),
      text("request uri", process.uri),
      number("content length", process.content_length),
      text("user", process.user),
      text("script", process.script),
      {"last request cpu", two_decimals(process.cpu)},
      number("last request memory", 0),
  }};
}

}  // namespace visits::view
