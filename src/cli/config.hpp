#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "os/listener.hpp"
#include "os/privileges.hpp"
#include "prefork/limits.hpp"
#include "visits/counter.hpp"

namespace cli {

// Where the pool's own log goes; php-fpm's names.
struct ErrorLog {
  std::string file{};  // empty: stderr; "syslog": there
  std::string facility = "daemon";
  std::string ident = "visitsd";
  std::string level = "notice";  // alert, error, warning, notice, debug
  std::string format = "text";   // visits.log_format: text, or json for one JSON object a line
};

// One line per request; php-fpm's names.
struct AccessLog {
  std::string file{};  // empty: none
  std::string format = "%R - %u %t \"%m %r\" %s";
  std::vector<std::string> suppressed{};  // access.suppress_path[]
};

// Where status, ping and metrics are answered.
struct Status {
  std::string
      listen{};  // pm.status_listen; empty: `listen` with -status before its .sock, none on TCP
  std::string status_path = "/status";
  std::string ping_path = "/ping";
  std::string ping_response = "pong";
  std::string metrics_path = "/metrics";  // visits.metrics_path
};

// Everything that visitsd can be told. Every default serves.
struct Config {
  ErrorLog error_log;
  AccessLog access_log;
  std::string slow_log{};  // empty: to the error log
  Status status;
  os::Confinement confinement;
  std::string pid_file{};                             // empty: none
  bool daemonize = true;                              // -F says no, -D yes
  std::chrono::milliseconds systemd_interval{10000};  // 0: off
  std::chrono::milliseconds queue_max_age{0};         // queue.max_age; 0: none
  std::optional<std::uint64_t> master_rlimit_files{};
  std::optional<std::uint64_t> master_rlimit_core{};
  std::optional<int> master_priority{};
  bool catch_workers_output = true;
  bool decorate_workers_output = true;

  os::Endpoint endpoint{.address = "/run/visits.sock"};
  prefork::Limits pool;
  visits::Counter::Settings counter{.key =
                                        sysv::Key{0x76697369}};  // "visi": fixed, on every machine
  std::optional<sysv::Key> events{};  // of the queue that visits are sent to; absent: none
};

enum class Wish { serve, help, version };

struct CommandLine {
  Wish wish = Wish::serve;
  Config config;
};

// The call's words are off (exit code 64, as php-fpm has it).
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// A directive is unknown, or its value cannot be meant (exit code 78). One sentence: which
// directive, which value, and what would be right.
class ConfigError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Reads the words after the program's name. Later directives win. Touches nothing but the key
// file, which it looks at.
CommandLine parse(std::span<const char* const> words);

// What --help prints: usage, and every directive with its default.
std::string help();

}  // namespace cli
