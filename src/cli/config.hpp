#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/error.hpp"
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
  int limit = 1024;              // log_limit: longest line
  bool buffering = true;         // log_buffering; taken, and always so
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

// How long web servers may take; connection.*.
struct ConnectionLimits {
  std::chrono::milliseconds read{3000};
  std::chrono::milliseconds write{3000};
  std::chrono::milliseconds idle{75000};
};

// Everything that visitsd can be told. Every default serves.
struct Config {
  ErrorLog error_log;
  AccessLog access_log;
  std::string slow_log{};  // empty: to the error log
  Status status;
  os::Confinement confinement;
  std::string prefix{};                               // where relative paths begin; empty: here
  std::string pid_file{};                             // empty: none
  bool daemonize = true;                              // -F says no, -D yes
  std::chrono::milliseconds systemd_interval{10000};  // 0: off
  std::chrono::milliseconds queue_max_age{0};         // queue.max_age; 0: none
  ConnectionLimits connection;
  bool batch = true;  // process.batch
  std::optional<std::uint64_t> master_rlimit_files{};
  std::optional<std::uint64_t> master_rlimit_core{};
  std::optional<int> master_priority{};
  int process_max = 0;  // process.max: most workers at all; 0: pm.max_children says it
  bool catch_workers_output = true;
  bool decorate_workers_output = true;
  bool terminate_timeout_tracks_finished = false;  // request_terminate_timeout_track_finished

  os::Endpoint endpoint{.address = "/run/visits.sock"};
  prefork::Limits pool;
  visits::Counter::Settings counter{.key =
                                        sysv::Key{0x76697369}};  // "visi": fixed, on every machine
  std::string key_file{};  // visits.key_file, whose key counter.key is, if no other is given
  std::optional<sysv::Key> events{};  // of the queue that visits are sent to; absent: none
};

enum class Wish { serve, test, dump, help, version };

// Where each directive was given that was given at all: "FILE:LINE: NAME" or "-d NAME=VALUE".
using Origins = std::map<std::string, std::string>;

struct CommandLine {
  Wish wish = Wish::serve;
  std::string file{};  // -y; empty: none
  Config config{};
  std::vector<std::string> front{};     // the command after --, which serves in front of the pool
  std::vector<std::string> warnings{};  // for the log, one sentence each
  Origins origins{};
};

// Reads the words after the program's name and the file that they name; a directive of the words
// wins over the file's. Reads files and looks at the key file, and touches nothing.
//
// A root master without `user` keeps its workers root, and says so with a warning; but a file of
// configuration (-y) has to name a user, as php-fpm wants it, or be read with -R.
//
// A file that dump() has written, `dumped`, stands for the words' file, directives, and key file,
// none of which is looked at then.
CommandLine parse(std::span<const char* const> words, const std::string& dumped = {});

// What --help prints: usage, and every directive with its default.
std::string help();

}  // namespace cli
