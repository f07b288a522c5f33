#include "os/log.hpp"

#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <limits>
#include <utility>

#include "os/escape.hpp"
#include "os/log_file.hpp"
#include "os/syslog.hpp"

namespace os {
namespace {

struct Names {
  Level level;
  const char* configured;
  const char* shown;
  const char* severity;  // Cloud Logging's word
  int priority;          // syslog's number
};
constexpr std::array<Names, 5> names = {{
    {Level::debug, "debug", "DEBUG", "DEBUG", LOG_DEBUG},
    {Level::notice, "notice", "NOTICE", "NOTICE", LOG_NOTICE},
    {Level::warning, "warning", "WARNING", "WARNING", LOG_WARNING},
    {Level::error, "error", "ERROR", "ERROR", LOG_ERR},
    {Level::alert, "alert", "ALERT", "ALERT", LOG_ALERT},
}};

const Names& names_of(Level level) { return names[static_cast<std::size_t>(level)]; }

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// What configure_log() set up, for this process and its children.
struct Log {
  LogSettings settings;
  std::optional<LogFile> file;  // neither: stderr, whatever descriptor 2 is
  std::optional<Syslog> syslog;
  std::string trace;
};

Log& the_log() {
  static Log log;
  return log;
}

// RFC 3339, UTC.
std::string precise_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 32> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06ldZ", now.tv_nsec / 1000);
  return std::string(text.data(), size) + fraction.data();
}

// A line of what is left of `text`, which is shortened by what the line has of it.
using Line = std::string (*)(Level level, std::string_view& text, std::size_t limit);

std::size_t room(std::size_t limit, std::size_t used) { return limit > used ? limit - used : 0; }

std::string text_line(Level level, std::string_view& text, std::size_t limit) {
  std::string line = std::string(names_of(level).shown) + ": ";
  text.remove_prefix(append_printable(line, text, room(limit, line.size())));
  return line + "\n";
}

std::string timed_line(Level level, std::string_view& text, std::size_t limit) {
  const std::string time = log_time();
  return time + text_line(level, text, room(limit, time.size()));
}

std::string syslog_line(Level level, std::string_view& text, std::size_t limit) {
  std::string line = std::string("[") + names_of(level).shown + "] ";
  text.remove_prefix(append_printable(line, text, room(limit, line.size())));
  return line;
}

std::string json_line(Level level, std::string_view& text, std::size_t limit) {
  std::string head = "{\"time\":\"" + precise_now() + "\",\"severity\":\"" +
                     names_of(level).severity + "\",\"pid\":" + std::to_string(getpid());
  if (!the_log().trace.empty()) {
    head += ",\"logging.googleapis.com/trace\":\"";
    append_json(head, the_log().trace, no_limit);
    head += "\"";
  }
  std::string line = head + ",\"message\":\"";
  text.remove_prefix(
      append_json(line, text, std::max(room(limit, line.size() + 2), std::size_t{8})));
  return line + "\"}\n";
}

bool write_line(Level level, const std::string& line) noexcept {
  Log& log = the_log();
  if (log.syslog) return log.syslog->write(names_of(level).priority, line);
  if (log.file) return log.file->write(line);
  return write_without_waiting(STDERR_FILENO, line) == static_cast<ssize_t>(line.size());
}

void write_lines(Level level, std::string_view text) {
  const Log& log = the_log();
  const Line line = log.settings.form == Form::json ? json_line
                    : log.syslog                    ? syslog_line
                                                    : timed_line;
  do {
    write_line(level, line(level, text, log.settings.limit));
  } while (!text.empty());
}

}  // namespace

void configure_log(const LogSettings& settings, Descriptor held) {
  Log log{.settings = settings, .file = {}, .syslog = {}, .trace = {}};
  const int facility = facility_of(settings.facility).value_or(LOG_DAEMON);
  if (settings.file == "syslog" && held) {
    log.syslog.emplace(facility, settings.ident, std::move(held));
  } else if (settings.file == "syslog") {
    log.syslog.emplace(facility, settings.ident);
  } else {
    log.file.emplace(settings.file.empty() ? "/dev/stderr" : settings.file, std::move(held));
  }
  the_log() = std::move(log);
}

int log_fd() noexcept {
  const Log& log = the_log();
  return log.file ? log.file->fd() : log.syslog ? log.syslog->fd() : -1;
}

bool reopen_log() noexcept try {
  if (the_log().file) the_log().file->reopen();
  return true;
} catch (const std::exception& error) {
  log(Level::error, std::string(error.what()) + "; the log goes on in the old file");
  return false;
}

// Out of memory for one line: the line is lost, the service goes on.
void log(Level level, std::string_view text) noexcept try {
  if (level < the_log().settings.level) return;
  write_lines(level, text);
  const std::uint64_t lost = the_log().file ? the_log().file->take_lost() : 0;
  if (lost > 0) write_lines(Level::warning, std::to_string(lost) + " lines were lost");
} catch (const std::exception&) {
}

void set_log_trace(std::string_view trace) noexcept try {
  the_log().trace = trace.substr(0, 256);
} catch (const std::exception&) {
}

std::string line_of(Level level, std::string_view text) { return text_line(level, text, no_limit); }

std::string json_line_of(Level level, std::string_view text) {
  return json_line(level, text, no_limit);
}

std::string log_time() {
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "[%d-%b-%Y %H:%M:%S] ", &local);
  return text.data();
}

std::optional<Level> level_of(std::string_view name) {
  for (const Names& known : names) {
    if (known.configured == name) return known.level;
  }
  return std::nullopt;
}

}  // namespace os
