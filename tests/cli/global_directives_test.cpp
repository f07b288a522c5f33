#include "cli/global_directives.hpp"

#include <chrono>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

void set(cli::Config& config, const std::string& name, const std::string& value) {
  cli::set_directive(config, cli::Section::global, name, value);
}

}  // namespace

TEST_CASE("Each directive of [global] sets its value") {
  cli::Config config;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"pid", "/run/v.pid"},
                                                        {"error_log", "syslog"},
                                                        {"syslog.facility", "local3"},
                                                        {"syslog.ident", "me"},
                                                        {"log_level", "debug"},
                                                        {"log_limit", "2048"},
                                                        {"log_buffering", "no"},
                                                        {"emergency_restart_threshold", "3"},
                                                        {"emergency_restart_interval", "1m"},
                                                        {"process_control_timeout", "10"},
                                                        {"process.max", "9"},
                                                        {"process.priority", "-19"},
                                                        {"daemonize", "no"},
                                                        {"rlimit_files", "1024"},
                                                        {"rlimit_core", "unlimited"},
                                                        {"events.mechanism", "epoll"},
                                                        {"systemd_interval", "5s"}}) {
    set(config, name, value);
  }
  CHECK(config.pid_file == "/run/v.pid");
  CHECK(config.error_log.file == "syslog");
  CHECK(config.error_log.facility == "local3");
  CHECK(config.error_log.ident == "me");
  CHECK(config.error_log.level == "debug");
  CHECK(config.error_log.limit == 2048);
  CHECK_FALSE(config.error_log.buffering);
  CHECK(config.pool.emergency_restart_threshold == 3);
  CHECK(config.pool.emergency_restart_interval == 1min);
  CHECK(config.pool.process_control_timeout == 10s);
  CHECK(config.process_max == 9);
  CHECK(config.master_priority == -19);
  CHECK_FALSE(config.daemonize);
  CHECK(config.master_rlimit_files == 1024);
  CHECK(config.master_rlimit_core == ~std::uint64_t{0});
  CHECK(config.systemd_interval == 5s);
}

TEST_CASE("A value that [global] cannot mean is refused") {
  cli::Config config;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"log_level", "loud"},
                                                        {"log_limit", "511"},
                                                        {"syslog.facility", "local8"},
                                                        {"events.mechanism", "kqueue"},
                                                        {"process.priority", "-20"},
                                                        {"process.max", "-1"},
                                                        {"daemonize", "perhaps"},
                                                        {"rlimit_files", "many"}}) {
    INFO(name);
    CHECK_THROWS_AS(set(config, name, value), cli::ConfigError);
  }
}

TEST_CASE("A resource limit of 0 is none, as for php-fpm") {
  cli::Config config;
  set(config, "rlimit_files", "0");
  CHECK_FALSE(config.master_rlimit_files);
}
