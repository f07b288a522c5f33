#include "cli/pool_directives.hpp"

#include <chrono>

#include "support/catch.hpp"

using namespace std::chrono_literals;

namespace {

void set(cli::Config& config, const std::string& name, const std::string& value) {
  cli::set_directive(config, cli::Section::pool, name, value);
}

}  // namespace

TEST_CASE("Each directive of socket and workers sets its value") {
  cli::Config config;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"prefix", "/p"},
           {"user", "www"},
           {"group", "33"},
           {"listen", "127.0.0.1:9000"},
           {"listen.backlog", "511"},
           {"listen.owner", "www"},
           {"listen.group", "34"},
           {"listen.mode", "0666"},
           {"listen.allowed_clients", "127.0.0.1, ::1"},
           {"pm", "dynamic"},
           {"pm.max_children", "32"},
           {"pm.start_servers", "5"},
           {"pm.min_spare_servers", "4"},
           {"pm.max_spare_servers", "6"},
           {"pm.max_spawn_rate", "7"},
           {"pm.process_idle_timeout", "8s"},
           {"pm.max_requests", "500"}}) {
    set(config, name, value);
  }
  CHECK(config.prefix == "/p");
  CHECK(config.confinement.user == "www");
  CHECK(config.confinement.group == "33");
  CHECK(config.endpoint.address == "127.0.0.1:9000");
  CHECK(config.endpoint.backlog == 511);
  CHECK(config.endpoint.owner == "www");
  CHECK(config.endpoint.group == "34");
  CHECK(config.endpoint.mode == 0666);
  CHECK(config.endpoint.allowed_clients == std::vector<std::string>{"127.0.0.1", "::1"});
  CHECK(config.pool.sizing == prefork::Sizing::dynamic);
  CHECK(config.pool.max_children == 32);
  CHECK(config.pool.start_servers == 5);
  CHECK(config.pool.min_spare_servers == 4);
  CHECK(config.pool.max_spare_servers == 6);
  CHECK(config.pool.max_spawn_rate == 7);
  CHECK(config.pool.process_idle_timeout == 8s);
  CHECK(config.pool.max_requests == 500);
}

TEST_CASE("Each directive of pages, logs and requests sets its value") {
  cli::Config config;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"pm.status_path", "/s"},
           {"pm.status_listen", "9001"},
           {"ping.path", "/p"},
           {"ping.response", "here"},
           {"visits.metrics_path", ""},
           {"access.log", "/a.log"},
           {"access.format", "%R"},
           {"access.suppress_path[]", "/x"},
           {"access.suppress_path[]", "/y"},
           {"slowlog", "/s.log"},
           {"request_slowlog_timeout", "1s"},
           {"request_terminate_timeout", "2s"},
           {"request_terminate_timeout_track_finished", "yes"},
           {"catch_workers_output", "no"},
           {"decorate_workers_output", "no"},
           {"visits.log_format", "json"},
           {"queue.max_age", "3s"},
           {"connection.read_timeout", "4s"},
           {"connection.write_timeout", "5s"},
           {"connection.idle_timeout", "2m"}}) {
    set(config, name, value);
  }
  CHECK(config.status.status_path == "/s");
  CHECK(config.status.listen == "9001");
  CHECK(config.status.ping_path == "/p");
  CHECK(config.status.ping_response == "here");
  CHECK(config.status.metrics_path.empty());
  CHECK(config.access_log.file == "/a.log");
  CHECK(config.access_log.format == "%R");
  CHECK(config.access_log.suppressed == std::vector<std::string>{"/x", "/y"});
  CHECK(config.slow_log == "/s.log");
  CHECK(config.pool.request_slowlog_timeout == 1s);
  CHECK(config.pool.request_terminate_timeout == 2s);
  CHECK(config.terminate_timeout_tracks_finished);
  CHECK_FALSE(config.catch_workers_output);
  CHECK_FALSE(config.decorate_workers_output);
  CHECK(config.error_log.format == "json");
  CHECK(config.queue_max_age == 3s);
  CHECK(config.connection.read == 4s);
  CHECK(config.connection.write == 5s);
  CHECK(config.connection.idle == 120s);
}

TEST_CASE("Each directive of confinement and counter sets its value") {
  cli::Config config;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"rlimit_files", "64"},
                                                        {"rlimit_core", "unlimited"},
                                                        {"process.priority", "20"},
                                                        {"process.batch", "no"},
                                                        {"process.dumpable", "yes"},
                                                        {"chroot", "/c"},
                                                        {"chdir", "/d"},
                                                        {"clear_env", "no"},
                                                        {"env[A]", "1"},
                                                        {"env[A]", "2"},
                                                        {"visits.key", "0x51e"},
                                                        {"visits.key_file", "/k"},
                                                        {"visits.access", "0640"},
                                                        {"visits.size", "128k"},
                                                        {"visits.patience", "1s"},
                                                        {"visits.events", "0x51f"},
                                                        {"visits.seccomp", "no"}}) {
    set(config, name, value);
  }
  CHECK(config.confinement.rlimit_files == 64);
  CHECK(config.confinement.rlimit_core == ~std::uint64_t{0});
  CHECK(config.confinement.priority == 20);
  CHECK_FALSE(config.batch);
  CHECK(config.confinement.dumpable);
  CHECK(config.confinement.chroot == "/c");
  CHECK(config.confinement.chdir == "/d");
  CHECK_FALSE(config.confinement.clear_environment);
  CHECK(config.confinement.environment ==
        std::vector<std::pair<std::string, std::string>>{{"A", "2"}});
  CHECK(config.counter.key == sysv::Key{0x51e});
  CHECK(config.key_file == "/k");
  CHECK(config.counter.access == sysv::Access{0640});
  CHECK(config.counter.size == 131072);
  CHECK(config.counter.patience == 1s);
  CHECK(config.events == sysv::Key{0x51f});
  CHECK_FALSE(config.confinement.seccomp);
}

TEST_CASE("A value that a pool cannot mean is refused") {
  cli::Config config;
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"listen.backlog", "-2"},
                                                        {"listen.mode", "8"},
                                                        {"listen.allowed_clients", "localhost"},
                                                        {"pm", "elastic"},
                                                        {"pm.max_children", "0"},
                                                        {"pm.start_servers", "0"},
                                                        {"pm.status_path", "status"},
                                                        {"ping.response", ""},
                                                        {"access.suppress_path[]", "x"},
                                                        {"visits.size", "1"},
                                                        {"visits.events", "0"},
                                                        {"visits.log_format", "xml"},
                                                        {"connection.read_timeout", "0"},
                                                        {"connection.write_timeout", "0s"},
                                                        {"connection.idle_timeout", "-1"}}) {
    INFO(name);
    CHECK_THROWS_AS(set(config, name, value), cli::ConfigError);
  }
}

TEST_CASE("A connection that would have no time at all is refused with the reason") {
  cli::Config config;
  CHECK_THROWS_WITH(
      set(config, "connection.read_timeout", "0"),
      support::contains("every connection would be closed") && support::contains("such as 3s"));
}
