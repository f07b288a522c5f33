#include <sys/prctl.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bin/logs.hpp"
#include "cli/checks.hpp"
#include "cli/config.hpp"
#include "cli/dump.hpp"
#include "fcgi/responder.hpp"
#include "os/backlog.hpp"
#include "os/daemon.hpp"
#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/log.hpp"
#include "os/privileges.hpp"
#include "os/rehearsal.hpp"
#include "os/sandbox.hpp"
#include "os/signals.hpp"
#include "os/throttle.hpp"
#include "prefork/child.hpp"
#include "prefork/master.hpp"
#include "prefork/service.hpp"
#include "visits/activity.hpp"
#include "visits/app.hpp"
#include "visits/attendant.hpp"
#include "visits/counter.hpp"
#include "visits/events.hpp"
#include "visits/statistics.hpp"

namespace {

constexpr int exit_usage = 64;
constexpr int exit_config = 78;

// Writes to the log, one trouble once a second.
std::function<void(const std::string&)> reporter(os::Level level) {
  return [level, throttle = os::Throttle()](const std::string& text) mutable {
    const auto line = throttle.pass(text, std::chrono::steady_clock::now());
    if (line) os::log(level, *line);
  };
}

// Whether workers can be kept in a sandbox, as is wanted; the warning if not is said once.
bool sandbox_works(const os::Confinement& confinement) try {
  if (confinement.seccomp) os::rehearse(os::enter_sandbox);
  return confinement.seccomp;
} catch (const std::exception& error) {
  os::log(os::Level::warning, std::string("workers go without a sandbox (visits.seccomp = no says "
                                          "that this is meant): ") +
                                  error.what());
  return false;
}

// What a worker is left with.
class Confined {
 public:
  explicit Confined(const os::Confinement& confinement)
      : privileges_(confinement), sandbox_(sandbox_works(confinement)) {
    for (const std::string& notice : privileges_.notices()) os::log(os::Level::notice, notice);
  }

  void drop_privileges() const { privileges_.apply(); }
  void enter_sandbox() const {
    if (sandbox_) os::enter_sandbox();
  }

 private:
  os::Privileges privileges_;
  bool sandbox_;
};

fcgi::Ending ending_of(prefork::Wish wish) {
  switch (wish) {
    case prefork::Wish::none: return fcgi::Ending::none;
    case prefork::Wish::retire: return fcgi::Ending::retire;
    case prefork::Wish::stop: break;
  }
  return fcgi::Ending::stop;
}

// A worker's life: one counter, one application, one responder. The only place where the process
// manager and FastCGI meet.
void work(prefork::Worker& worker, const prefork::Premises& premises, const cli::Config& config,
          const Confined& confined, Logs& logs, visits::Statistics& statistics) {
  const auto report = reporter(os::Level::error);
  visits::Counter counter(config.counter, reporter(os::Level::notice));
  std::optional<visits::Events> events;
  if (config.events) events.emplace(*config.events, config.counter.access, report);
  visits::App app(counter, events ? &*events : nullptr, report, &statistics[worker.place()]);
  fcgi::Responder responder({
      .listen_fd = premises.listening_fd(),
      .stop_fd = worker.stop_fd(),
      .relay = &premises.relay(),
      .ending = [&] { return ending_of(worker.wish()); },
      .spent = [&] { return worker.spent(); },
  });
  confined.enter_sandbox();
  worker.idle();
  visits::ActivityBytes note;
  responder.run([&](const http::Request& request) {
    const auto begin = visits::Moment::now();
    os::set_log_trace(request.parameter("TRACE"));
    worker.begin(visits::encode(visits::activity_of(request), note));
    http::Response response = app.answer(request, worker.stopping());
    logs.answered({.request = request,
                   .response = response,
                   .begin = begin,
                   .end = visits::Moment::now(),
                   .count = app.counted()});
    worker.end();
    return response;
  });
}

// One process that tells how the pool does, also while every worker is busy.
void attend(const prefork::AttendantContext& pool, const prefork::Premises& premises,
            const cli::Config& config, const Confined& confined,
            const visits::Statistics& statistics) {
  prctl(PR_SET_NAME, "visitsd-status");  // for ps and top
  const cli::Status& status = config.status;
  visits::Attendant attendant({pool.scoreboard, statistics, premises.listening_fd()}, config.pool,
                              {.status_path = status.status_path,
                               .ping_path = status.ping_path,
                               .ping_response = status.ping_response,
                               .metrics_path = status.metrics_path,
                               .version = VISITS_VERSION});
  fcgi::Responder responder(premises.status_fd(), pool.child.stop_fd());
  confined.enter_sandbox();
  responder.run([&](const http::Request& request) { return attendant.answer(request); });
}

// Where that is: beside the pool's own unix socket, unless said otherwise.
std::optional<os::Endpoint> status_endpoint(const cli::Config& config) {
  os::Endpoint endpoint = config.endpoint;
  const std::string_view path = config.endpoint.address;
  if (!config.status.listen.empty()) {
    endpoint.address = config.status.listen;
  } else if (path.ends_with(".sock")) {
    endpoint.address = std::string(path.substr(0, path.size() - 5)) + "-status.sock";
  } else if (path.starts_with("/")) {
    endpoint.address += "-status";
  } else {
    return std::nullopt;
  }
  return endpoint;
}

int pending(os::BacklogGauge& gauge) {
  const auto backlog = gauge.read();
  return backlog ? static_cast<int>(backlog->pending) : 0;
}

using Words = std::span<const char* const>;

// What the front writes to its stderr goes into the log, unless that is stderr and plain text, too.
std::function<void(std::string_view)> say_of_front(const cli::Config& config) {
  const cli::ErrorLog& log = config.error_log;
  if (log.file.empty() && log.format == "text" && !config.daemonize) return {};
  return [](std::string_view line) { os::log(os::Level::warning, line); };
}

// No two pools count at one key.
prefork::Service::Settings settings_of(const cli::CommandLine& command, Words words) {
  const cli::Config& config = command.config;
  return {.premises = {.interlock = "key " + sysv::text_of(config.counter.key),
                       .pid_file = config.pid_file,
                       .endpoint = config.endpoint,
                       .status = status_endpoint(config)},
          .limits = config.pool,
          .words = {words.begin(), words.end()},
          .front = command.front,
          .say_of_front = say_of_front(config),
          .systemd_interval = config.systemd_interval};
}

int serve(const cli::CommandLine& command, Words words) {
  const cli::Config& config = command.config;
  os::occupy_standard_descriptors();
  os::Inheritance inheritance = os::Inheritance::claim();
  cli::check_machine(command);
  os::Daemon daemon;
  if (config.daemonize && !inheritance.is_succession()) {
    if (const auto code = daemon.start()) return *code;
  }
  Logs logs(config);
  const Confined confined(config.confinement);
  os::rehearse([&] {
    confined.drop_privileges();
    visits::require_access(config.counter);
  });
  prefork::Service service(settings_of(command, words), inheritance);
  const prefork::Premises& premises = service.premises();
  for (const std::string& warning : command.warnings) os::log(os::Level::warning, warning);
  os::log(os::Level::notice, "listening on " + config.endpoint.address + ", counting at key " +
                                 sysv::text_of(config.counter.key));
  std::optional<visits::Statistics> statistics;
  std::function<void(const prefork::AttendantContext&)> attendance;
  if (premises.status_fd() != -1) {
    attendance = [&](const prefork::AttendantContext& pool) {
      attend(pool, premises, config, confined, *statistics);
    };
  }
  os::BacklogGauge gauge(premises.listening_fd());
  if (!daemon.ready()) return os::Daemon::exit_failed;
  return service.run({
                         .serve =
                             [&](prefork::Worker& worker) {
                               work(worker, premises, config, confined, logs, *statistics);
                             },
                         .attend = attendance,
                         .prepare_worker =
                             [&](const prefork::Child&) {
                               logs.enter_worker();
                               confined.drop_privileges();
                             },
                         .reopen_logs = [&] { logs.reopen(); },
                         .queued = [&] { return pending(gauge); },
                         .tick = [&](const prefork::Census&) { logs.tick(); },
                         .report_slow = [&](const std::string& what) { logs.say_slow(what); },
                     },
                     [&](prefork::Master& master) {
                       logs.watch(master);
                       statistics.emplace(master.scoreboard().size());
                     });
}

// Asked by a pool that is about to reload: whether this program can take over from it.
void answer_running_pool(const cli::CommandLine& command) {
  const auto held = os::Handover::in_question();
  if (!held) return;
  prefork::Premises::rehearse(settings_of(command, {}).premises, *held);
  const os::Privileges privileges(command.config.confinement);
  os::rehearse([&] {
    privileges.apply();
    visits::require_access(command.config.counter);
  });
  std::puts(os::Handover::acceptance);
}

// What -t says; php-fpm's words.
int test(const cli::CommandLine& command) {
  cli::check_machine(command);
  for (const std::string& warning : command.warnings) os::log(os::Level::warning, warning);
  answer_running_pool(command);
  const std::string file = command.file.empty() ? "" : "file " + command.file + " ";
  os::log(os::Level::notice, "configuration " + file + "test is successful");
  return 0;
}

int fail(int code, const std::string& why) {
  std::fprintf(stderr, "visitsd: %s\n", why.c_str());
  return code;
}

}  // namespace

int main(int argc, char** argv) try {
  os::block_signals();  // at once: those that process 1 of a container does not expect are lost
  const Words words(argv, static_cast<std::size_t>(argc));
  const cli::CommandLine command = cli::parse(words.subspan(1));
  switch (command.wish) {
    case cli::Wish::help: std::fputs(cli::help().c_str(), stdout); return 0;
    case cli::Wish::version: std::puts("visitsd " VISITS_VERSION); return 0;
    case cli::Wish::test: return test(command);
    case cli::Wish::dump:
      std::fputs(cli::dump(command.config).c_str(), stdout);
      return test(command);
    case cli::Wish::serve: return serve(command, words);
  }
} catch (const cli::UsageError& error) {
  return fail(exit_usage, error.what());
} catch (const std::exception& error) {
  return fail(exit_config, error.what());
}
