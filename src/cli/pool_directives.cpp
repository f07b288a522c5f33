#include "cli/pool_directives.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "cli/kind.hpp"
#include "cli/sizing.hpp"

namespace cli {
namespace {

constexpr auto pool = Section::pool;

Kind<mode_t> mode() {
  return {[](const std::string& text) { return permissions(text); },
          [](const mode_t& bits) { return octal(bits); }};
}

Kind<std::string> page_path() {
  return {page, [](const std::string& value) { return value; }};
}

Kind<sysv::Key> key_number() {
  return {[](const std::string& text) { return key(text); },
          [](const sysv::Key& value) { return text_of_key(value); }};
}

Kind<std::size_t> bytes(std::size_t least, std::size_t most) {
  return {[=](const std::string& text) { return size(text, least, most); },
          [](const std::size_t& value) { return std::to_string(value); }};
}

Kind<std::string> something() {
  return {[](const std::string& text) {
            if (text.empty()) throw ConfigError("a text is needed, such as pong");
            return text;
          },
          [](const std::string& value) { return value; }};
}

bool is_address(const std::string& text) {
  in6_addr bytes{};
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

Kind<std::vector<std::string>> addresses() {
  return {[](const std::string& text) {
            std::vector<std::string> all = list(text);
            for (const std::string& address : all) {
              if (!is_address(address)) {
                throw ConfigError(address +
                                  " is no address; IPv4 or IPv6 addresses are needed, "
                                  "with commas between them");
              }
            }
            return all;
          },
          [](const std::vector<std::string>& all) {
            std::string text;
            for (const std::string& address : all) text += (text.empty() ? "" : ",") + address;
            return text;
          }};
}

Kind<std::chrono::milliseconds> some_time() {
  Kind<std::chrono::milliseconds> kind = time();
  kind.read = [any = kind.read](const std::string& text) {
    const auto time = any(text);
    if (time.count() > 0) return time;
    throw ConfigError(
        "with no time at all every connection would be closed; a time from 1ms is needed, such as "
        "3s");
  };
  return kind;
}

Kind<prefork::Sizing> sizing() {
  return {[](const std::string& text) {
            const std::string word = one_of({"static", "dynamic", "ondemand"}, text);
            if (word == "static") return prefork::Sizing::fixed;
            return word == "dynamic" ? prefork::Sizing::dynamic : prefork::Sizing::ondemand;
          },
          [](const prefork::Sizing& value) -> std::string {
            switch (value) {
              case prefork::Sizing::fixed: return "static";
              case prefork::Sizing::dynamic: return "dynamic";
              case prefork::Sizing::ondemand: return "ondemand";
            }
            return {};
          }};
}

Kind<sysv::Access> access() {
  return {[](const std::string& text) { return sysv::Access{permissions(text)}; },
          [](const sysv::Access& value) { return octal(static_cast<mode_t>(value)); }};
}

// What can be given many times is written by dump(), one line each.
Directive suppressed_path() {
  return {pool, "access.suppress_path[]", "a path whose requests are not in access.log",
          [](Config& config, const std::string& value) {
            if (!value.starts_with('/')) throw ConfigError("a path that begins with / is needed");
            config.access_log.suppressed.push_back(value);
          },
          [](const Config&) { return ""; }};
}

Directive environment() {
  return {pool, "env[]", "env[NAME] = a variable of the workers' environment; $NAME copies ours",
          [](Config& config, const std::string& assignment) {
            const auto equals = assignment.find('=');
            const std::string name = assignment.substr(0, equals);
            if (name.empty()) throw ConfigError("env[NAME] is needed");
            auto& all = config.confinement.environment;
            std::erase_if(all, [&](const auto& variable) { return variable.first == name; });
            all.emplace_back(name, assignment.substr(equals + 1));
          },
          [](const Config&) { return ""; }};
}

std::vector<Directive> listening() {
  return {
      field(
          pool, "prefix", "where relative paths begin, but those of [global]",
          [](auto& c) -> auto& { return c.prefix; }, words()),
      field(
          pool, "user", "whom workers run as, by name or number",
          [](auto& c) -> auto& { return c.confinement.user; }, maybe(words())),
      field(
          pool, "group", "their group; none: the user's",
          [](auto& c) -> auto& { return c.confinement.group; }, maybe(words())),
      field(
          pool, "listen", "/path, IPv4:port, [IPv6]:port or port",
          [](auto& c) -> auto& { return c.endpoint.address; }, words()),
      field(
          pool, "listen.backlog", "connections that may wait; -1: as many as the kernel allows",
          [](auto& c) -> auto& { return c.endpoint.backlog; }, whole<int>(-1, 65535)),
      field(
          pool, "listen.owner", "owner of the unix socket; none: this user",
          [](auto& c) -> auto& { return c.endpoint.owner; }, maybe(words())),
      field(
          pool, "listen.group", "group of the unix socket: the web server's",
          [](auto& c) -> auto& { return c.endpoint.group; }, maybe(words())),
      field(
          pool, "listen.mode", "permissions of the unix socket",
          [](auto& c) -> auto& { return c.endpoint.mode; }, mode()),
      field(
          pool, "listen.allowed_clients", "addresses that may connect by TCP; none: all",
          [](auto& c) -> auto& { return c.endpoint.allowed_clients; }, addresses()),
      field(
          pool, "process.priority", "the workers' nice value, -19 to 20",
          [](auto& c) -> auto& { return c.confinement.priority; }, maybe(whole<int>(-19, 20))),
      field(
          pool, "process.batch", "workers that wake do not interrupt the web server (SCHED_BATCH)",
          [](auto& c) -> auto& { return c.batch; }, yes_or_no()),
      field(
          pool, "process.dumpable", "workers may be traced, and leave core files",
          [](auto& c) -> auto& { return c.confinement.dumpable; }, yes_or_no()),
  };
}

Kind<int> workers() {
  Kind<int> kind = whole<int>(1, 10000);
  kind.read = [number = kind.read](const std::string& text) {
    return text == "auto" ? workers_for(this_machine()) : number(text);
  };
  return kind;
}

std::vector<Directive> managing() {
  return {
      field(
          pool, "pm", "static: pm.max_children workers, always; dynamic; ondemand",
          [](auto& c) -> auto& { return c.pool.sizing; }, sizing()),
      field(
          pool, "pm.max_children", "most workers; auto: as cores and GAE_MEMORY_MB allow",
          [](auto& c) -> auto& { return c.pool.max_children; }, workers()),
      field(
          pool, "pm.start_servers", "dynamic: workers at the start",
          [](auto& c) -> auto& { return c.pool.start_servers; }, whole<int>(1, 10000)),
      field(
          pool, "pm.min_spare_servers", "dynamic: idle workers, at least",
          [](auto& c) -> auto& { return c.pool.min_spare_servers; }, whole<int>(1, 10000)),
      field(
          pool, "pm.max_spare_servers", "dynamic: idle workers, at most",
          [](auto& c) -> auto& { return c.pool.max_spare_servers; }, whole<int>(1, 10000)),
      field(
          pool, "pm.max_spawn_rate", "workers that are started in one go, at most",
          [](auto& c) -> auto& { return c.pool.max_spawn_rate; }, whole<int>(1, 10000)),
      field(
          pool, "pm.process_idle_timeout", "ondemand: an idle worker ends after this",
          [](auto& c) -> auto& { return c.pool.process_idle_timeout; }, time()),
      field(
          pool, "pm.max_requests", "a worker is replaced after about so many; 0: never",
          [](auto& c) -> auto& { return c.pool.max_requests; }, whole<std::uint64_t>(0, INT64_MAX)),
      field(
          pool, "pm.status_path", "page of the pool's state; none: no such page",
          [](auto& c) -> auto& { return c.status.status_path; }, page_path()),
      field(
          pool, "pm.status_listen",
          "where it is answered; none: listen with -status before its .sock",
          [](auto& c) -> auto& { return c.status.listen; }, words()),
      field(
          pool, "ping.path", "page that says the pool is alive",
          [](auto& c) -> auto& { return c.status.ping_path; }, page_path()),
      field(
          pool, "ping.response", "what it says",
          [](auto& c) -> auto& { return c.status.ping_response; }, something()),
  };
}

std::vector<Directive> logging() {
  return {
      field(
          pool, "access.log", "file with a line for each request",
          [](auto& c) -> auto& { return c.access_log.file; }, words()),
      field(
          pool, "access.format", "what that line says, in php-fpm's letters",
          [](auto& c) -> auto& { return c.access_log.format; }, words()),
      suppressed_path(),
      field(
          pool, "slowlog", "file for slow requests; none: error_log",
          [](auto& c) -> auto& { return c.slow_log; }, words()),
      field(
          pool, "request_slowlog_timeout", "a request that takes longer is slow; 0: none is",
          [](auto& c) -> auto& { return c.pool.request_slowlog_timeout; }, time()),
      field(
          pool, "request_terminate_timeout", "longest time for a request, then 504; 0: no limit",
          [](auto& c) -> auto& { return c.pool.request_terminate_timeout; }, time()),
      field(
          pool, "request_terminate_timeout_track_finished",
          "taken for php-fpm's files, and changes nothing: nothing runs after an answer here",
          [](auto& c) -> auto& { return c.terminate_timeout_tracks_finished; }, yes_or_no()),
      field(
          pool, "catch_workers_output", "what workers print goes to error_log",
          [](auto& c) -> auto& { return c.catch_workers_output; }, yes_or_no()),
      field(
          pool, "decorate_workers_output", "with the worker's name before it",
          [](auto& c) -> auto& { return c.decorate_workers_output; }, yes_or_no()),
  };
}

std::vector<Directive> confining() {
  return {
      field(
          pool, "rlimit_files", "the workers' limit of open files",
          [](auto& c) -> auto& { return c.confinement.rlimit_files; }, resource_limit()),
      field(
          pool, "rlimit_core", "the workers' limit of a core file's size, or unlimited",
          [](auto& c) -> auto& { return c.confinement.rlimit_core; }, resource_limit()),
      field(
          pool, "chroot", "the workers' root folder",
          [](auto& c) -> auto& { return c.confinement.chroot; }, maybe(words())),
      field(
          pool, "chdir", "the workers' folder, within that root",
          [](auto& c) -> auto& { return c.confinement.chdir; }, maybe(words())),
      field(
          pool, "clear_env", "workers get no variable but env[]'s",
          [](auto& c) -> auto& { return c.confinement.clear_environment; }, yes_or_no()),
      environment(),
  };
}

std::vector<Directive> counting() {
  return {
      Directive{pool, "visits.key", "key of segment and semaphore set; wins over visits.key_file",
                [](Config& config, const std::string& value) { config.counter.key = key(value); },
                [](const Config& config) { return text_of_key(config.counter.key); }},
      field(
          pool, "visits.key_file", "a file whose ftok(FILE, 'p') is the key, as in PHP",
          [](auto& c) -> auto& { return c.key_file; }, words()),
      field(
          pool, "visits.access", "permissions of segment, set and queue, when they are made here",
          [](auto& c) -> auto& { return c.counter.access; }, access()),
      field(
          pool, "visits.size", "bytes of a segment that is made here",
          [](auto& c) -> auto& { return c.counter.size; }, bytes(4096, std::size_t{1} << 30)),
      field(
          pool, "visits.patience", "longest wait for the lock",
          [](auto& c) -> auto& { return c.counter.patience; }, time()),
      field(
          pool, "visits.events",
          "key of a message queue that every visit is sent to, as a PHP array",
          [](auto& c) -> auto& { return c.events; }, maybe(key_number())),
      field(
          pool, "visits.metrics_path", "page of OpenMetrics",
          [](auto& c) -> auto& { return c.status.metrics_path; }, page_path()),
      field(
          pool, "visits.seccomp", "workers may do only what serving needs",
          [](auto& c) -> auto& { return c.confinement.seccomp; }, yes_or_no()),
      field(
          pool, "visits.log_format", "text, or json: an object a line",
          [](auto& c) -> auto& { return c.error_log.format; }, choice({"text", "json"})),
      field(
          pool, "queue.max_age", "a request that waited longer gets a 503; 0: none does",
          [](auto& c) -> auto& { return c.queue_max_age; }, time()),
      field(
          pool, "connection.read_timeout",
          "longest time for a request to arrive whole, from its first byte",
          [](auto& c) -> auto& { return c.connection.read; }, some_time()),
      field(
          pool, "connection.write_timeout",
          "longest wait for a web server to take more of an answer",
          [](auto& c) -> auto& { return c.connection.write; }, some_time()),
      field(
          pool, "connection.idle_timeout",
          "a silent connection is closed after this: longer than the web server keeps it",
          [](auto& c) -> auto& { return c.connection.idle; }, some_time()),
  };
}

}  // namespace

std::vector<Directive> pool_directives() {
  std::vector<Directive> all;
  for (auto& part : {listening(), managing(), logging(), confining(), counting()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace cli
