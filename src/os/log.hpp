#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"

namespace os {

enum class Level { debug, notice, warning, error, alert };

enum class Form {
  text,  // php-fpm's: [23-Nov-2026 08:33:57] NOTICE: text
  json,  // an object a line, as Cloud Logging reads them: time, severity, message, pid, trace
};

// Where the log goes, and how; php-fpm's names and defaults.
struct LogSettings {
  std::string file{};               // empty: stderr; "syslog": there
  std::string facility = "daemon";  // of syslog
  std::string ident = "visitsd";
  Level level = Level::notice;  // less important lines are not written
  Form form = Form::text;
  std::size_t limit = 1024;  // log_limit: what is longer goes on in a further line; at least 512
};

// Once, at the start; before that the log goes to stderr. What is stderr now stays the log, even if
// descriptor 2 becomes something else. Children inherit all of it. Throws std::system_error.
// `held`, if it is open, is the log of before, for where its file or syslog cannot be reached any
// more.
void configure_log(const LogSettings& settings, Descriptor held = {});

// The log's descriptor, for a handover; -1: it has none, which is stderr then.
int log_fd() noexcept;

// After the file was renamed: begins a new one. When that cannot be opened the old one stays in
// use, and says why; false then. Never throws.
bool reopen_log() noexcept;

// Writes a line with a single write(2), so that lines of several processes never mix. Control bytes
// in the text are escaped: a line stays a line. Never throws, never waits: a full disk, or a pipe
// that nobody reads, loses lines, and once writing works again the log says how many.
void log(Level level, std::string_view text) noexcept;

// The trace that this process's lines belong to from now on (JSON alone shows it); empty: none.
void set_log_trace(std::string_view trace) noexcept;

// The line that log() writes as text, without its time.
std::string line_of(Level level, std::string_view text);

// The same as JSON, whole.
std::string json_line_of(Level level, std::string_view text);

// "[23-Nov-2026 08:33:57] ", of now.
std::string log_time();

// A level by its name in a configuration: "alert", "error", "warning", "notice", "debug".
std::optional<Level> level_of(std::string_view name);

}  // namespace os
