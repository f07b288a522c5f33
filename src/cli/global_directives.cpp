#include "cli/global_directives.hpp"

#include "cli/kind.hpp"

namespace cli {
namespace {

constexpr auto global = Section::global;

std::vector<std::string> facilities() {
  std::vector<std::string> names = {"auth", "authpriv", "cron", "daemon", "ftp",  "kern",
                                    "lpr",  "mail",     "news", "syslog", "user", "uucp"};
  for (int i = 0; i < 8; ++i) names.push_back("local" + std::to_string(i));
  return names;
}

// Nothing to choose: epoll is what waits for events here, if php-fpm's file says it or not.
Directive events_mechanism() {
  return {global, "events.mechanism", "epoll or auto, taken for php-fpm's files",
          [](Config&, const std::string& value) {
            one_of({"auto", "epoll"}, value);
          },
          [](const Config&) { return "epoll"; }};
}

}  // namespace

std::vector<Directive> global_directives() {
  return {
      field(
          global, "pid", "file for the master's process number",
          [](auto& c) -> auto& { return c.pid_file; }, words()),
      field(
          global, "error_log", "file of the log, or syslog; none: stderr",
          [](auto& c) -> auto& { return c.error_log.file; }, words()),
      field(
          global, "syslog.ident", "what syslog's lines begin with",
          [](auto& c) -> auto& { return c.error_log.ident; }, words()),
      field(
          global, "syslog.facility", "syslog's facility, such as daemon or local0",
          [](auto& c) -> auto& { return c.error_log.facility; }, choice(facilities())),
      field(
          global, "log_buffering", "taken for php-fpm's files: a line is one write, always",
          [](auto& c) -> auto& { return c.error_log.buffering; }, yes_or_no()),
      field(
          global, "log_level", "alert, error, warning, notice or debug",
          [](auto& c) -> auto& { return c.error_log.level; },
          choice({"alert", "error", "warning", "notice", "debug"})),
      field(
          global, "log_limit", "longest line of the log, in bytes",
          [](auto& c) -> auto& { return c.error_log.limit; }, whole<int>(512, 65536)),
      field(
          global, "emergency_restart_interval", "see the next",
          [](auto& c) -> auto& { return c.pool.emergency_restart_interval; }, time()),
      field(
          global, "emergency_restart_threshold",
          "so many crashes within that time make the pool reload; 0: never",
          [](auto& c) -> auto& { return c.pool.emergency_restart_threshold; },
          whole<int>(0, 100000)),
      field(
          global, "process_control_timeout",
          "how long a stop or a reload waits for requests that are being answered",
          [](auto& c) -> auto& { return c.pool.process_control_timeout; }, time()),
      field(
          global, "process.max", "most workers at all; 0: pm.max_children says it",
          [](auto& c) -> auto& { return c.process_max; }, whole<int>(0, 10000)),
      field(
          global, "process.priority", "the master's nice value, -19 to 20",
          [](auto& c) -> auto& { return c.master_priority; }, maybe(whole<int>(-19, 20))),
      field(
          global, "daemonize", "go to the background; -F and -D win over it",
          [](auto& c) -> auto& { return c.daemonize; }, yes_or_no()),
      field(
          global, "rlimit_files", "the master's limit of open files",
          [](auto& c) -> auto& { return c.master_rlimit_files; }, resource_limit()),
      field(
          global, "rlimit_core", "the master's limit of a core file's size, or unlimited",
          [](auto& c) -> auto& { return c.master_rlimit_core; }, resource_limit()),
      events_mechanism(),
      field(
          global, "systemd_interval", "how often systemd is told of the pool; 0: never",
          [](auto& c) -> auto& { return c.systemd_interval; }, time()),
  };
}

}  // namespace cli
