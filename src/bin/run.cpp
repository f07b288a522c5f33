#include "bin/run.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bin/confined.hpp"
#include "bin/logs.hpp"
#include "cli/checks.hpp"
#include "cli/config.hpp"
#include "cli/dump.hpp"
#include "os/backlog.hpp"
#include "os/daemon.hpp"
#include "os/descriptor.hpp"
#include "os/error.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/log.hpp"
#include "os/privileges.hpp"
#include "os/rehearsal.hpp"
#include "os/retreat.hpp"
#include "os/signals.hpp"
#include "os/throttle.hpp"
#include "prefork/scoreboard.hpp"
#include "prefork/service.hpp"
#include "visits/access_log.hpp"
#include "visits/activity.hpp"
#include "visits/counter.hpp"
#include "visits/statistics.hpp"

namespace {

constexpr int exit_usage = 64;
constexpr int exit_config = 78;
constexpr std::size_t descriptors_of_a_pool = 16;  // some to spare

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

// How many connections wait; a queue that is full is said, for what the kernel refuses then is seen
// by nobody else here.
int pending(os::BacklogGauge& gauge) {
  static os::Throttle throttle;
  const auto backlog = gauge.read();
  if (!backlog) return 0;
  if (backlog->capacity > 0 && backlog->pending >= backlog->capacity) {
    const auto line = throttle.pass(
        "the listen queue is full, " + std::to_string(backlog->pending) +
            " connections wait and more are refused: raise pm.max_children or listen.backlog",
        std::chrono::steady_clock::now());
    if (line) os::log(os::Level::warning, *line);
  }
  return static_cast<int>(backlog->pending);
}

// nginx has its own names for what is worse than a warning.
os::Level level_of_front(std::string_view line) {
  for (const std::string_view name : {"[error]", "[crit]", "[alert]", "[emerg]"}) {
    if (line.find(name) != line.npos) return os::Level::error;
  }
  return os::Level::warning;
}

// What the front writes to its stderr goes into the log, unless that is stderr and plain text, too.
std::function<void(std::string_view)> say_of_front(const cli::Config& config) {
  const cli::ErrorLog& log = config.error_log;
  if (log.file.empty() && log.format == "text" && !config.daemonize) return {};
  return [](std::string_view line) { os::log(level_of_front(line), line); };
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

// What only the parts themselves can judge, as far as that touches nothing.
fcgi::AllowedClients check(const cli::CommandLine& command) {
  const visits::AccessLog compiled({.format = command.config.access_log.format});
  return fcgi::AllowedClients(command.config.endpoint.allowed_clients);
}

void limit(int resource, std::optional<std::uint64_t> most) {
  if (!most) return;
  const rlimit limits{.rlim_cur = *most, .rlim_max = *most};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limits) == -1) os::fail("setrlimit");
}

// The master's own limits: [global] rlimit_files, rlimit_core and process.priority.
void limit_master(const cli::Config& config) {
  limit(RLIMIT_NOFILE, config.master_rlimit_files);
  limit(RLIMIT_CORE, config.master_rlimit_core);
  if (!config.master_priority) return;
  if (setpriority(PRIO_PROCESS, 0, *config.master_priority) == -1) os::fail("setpriority");
}

// A request, for the slow log.
std::string described(std::span<const std::byte> note) {
  const auto activity = visits::decode(note);
  if (!activity) return "unknown";
  std::string text = std::string(activity->method) + " " + std::string(activity->uri);
  if (!activity->query.empty()) text.append("?").append(activity->query);
  return text;
}

// The pool serves from here on: whoever started it in the background is told, and if they have
// given up meanwhile, it ends.
void announce(os::Daemon& daemon, prefork::Master& master) {
  if (!daemon.ready()) master.stop("who started it has given up", os::Daemon::exit_failed);
}

prefork::Hooks hooks_for(const Household& household, os::BacklogGauge& gauge) {
  prefork::Hooks hooks{
      .serve = [&](prefork::Worker& worker) { work(worker, household); },
      .prepare_worker =
          [&](const prefork::Child&) {
            household.logs.enter_worker();
            household.confined.drop_privileges();
          },
      .reopen_logs = [&] { household.logs.reopen(); },
      .queued = [&] { return pending(gauge); },
      .tick = [&](const prefork::Census&) { household.logs.tick(); },
      .describe = described,
      .report_slow = [&](const std::string& what) { household.logs.say_slow(what); },
  };
  if (household.premises.status_fd() != -1) {
    hooks.attend = [&](const prefork::AttendantContext& pool) { attend(pool, household); };
  }
  return hooks;
}

// What this image goes by if it has to run again, and then looks for no user any more.
std::string lasting(const cli::Config& config, const Confined& confined) {
  cli::Config numbered = config;
  numbered.confinement = confined.by_number();
  return cli::dump(numbered);
}

// Nothing here changes for good what an exec leaves: rlimits, the pid file, the sockets' paths. If
// it fails, the image before this one finds them as they were. Only a semaphore set that is missing
// is made, as any worker would do, and stays. An image that runs again goes on with what it has,
// and proves nothing anew.
int serve(const cli::CommandLine& command, Words words, os::Inheritance& inheritance,
          const Around& around) {
  const cli::Config& config = command.config;
  const bool runs_again = inheritance.refusal().has_value();
  if (!runs_again) cli::check_machine(command);
  const fcgi::AllowedClients allowed_clients = check(command);
  os::Daemon daemon;
  if (config.daemonize && !inheritance.is_succession()) {
    if (const auto code = daemon.start()) return *code;
  }
  Logs logs(config, inheritance);
  const Confined confined(config.confinement);
  if (!runs_again) {
    os::rehearse([&] {
      limit_master(config);
      confined.drop_privileges();
      visits::require_access(config.counter);
    });
  }
  prefork::Service::Settings settings = settings_of(command, words);
  settings.configuration = lasting(config, confined);
  settings.hand_over = [&](os::Handover& handover) { logs.hand_over(handover); };
  prefork::Service service(std::move(settings), inheritance);
  for (const std::string& warning : command.warnings) os::log(os::Level::warning, warning);
  os::log(os::Level::notice, "listening on " + config.endpoint.address + ", counting at key " +
                                 sysv::text_of(config.counter.key));
  visits::Statistics statistics(prefork::Master::slots_of(config.pool));
  os::BacklogGauge gauge(service.premises().listening_fd());
  const Household household{config, service.premises(), confined, allowed_clients,
                            logs,   statistics,         around};
  prefork::Hooks hooks = hooks_for(household, gauge);
  prefork::Master* master = nullptr;
  hooks.ready = [&] { announce(daemon, *master); };
  return service.run(std::move(hooks), [&](prefork::Master& made) {
    master = &made;
    logs.watch(made);
    limit_master(config);  // can be lowered only: last
  });
}

// Takes what a pool takes beside what it is handed, which a program on trial does not have: what is
// too much is known while the old one serves. What is handed over is open twice, until it settles.
void require_room(const os::Handover& held, const cli::Config& config) {
  std::vector<os::Descriptor> taken;
  for (std::size_t i = 0; i < 2 * held.items().size() + descriptors_of_a_pool; ++i) {
    taken.emplace_back(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!taken.back()) os::fail("open as many files as a pool needs", "raise rlimit_files");
  }
  const int slots = prefork::Master::slots_of(config.pool);
  const visits::Statistics statistics(slots);
  const prefork::Scoreboard scoreboard(slots);
}

// Asked by a pool that is about to reload: whether this program can take over from it.
void answer_running_pool(const cli::CommandLine& command) {
  const auto held = os::Handover::in_question();
  if (!held) return;
  prefork::Premises::rehearse(settings_of(command, {}).premises, *held);
  const os::Privileges privileges(command.config.confinement);
  os::rehearse([&] {
    limit_master(command.config);
    os::Inheritance nothing;
    const Logs logs(command.config, nothing);
    require_room(*held, command.config);
    privileges.apply();
    visits::require_access(command.config.counter);
  });
  std::puts(os::Handover::acceptance);
}

// What -t says; php-fpm's words.
int test(const cli::CommandLine& command) {
  cli::check_machine(command);
  (void)check(command);
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

// An image that runs again has its configuration with it.
cli::CommandLine understand(Words words, os::Inheritance& inheritance) {
  if (!inheritance.refusal()) return cli::parse(words.subspan(1));
  const auto own = inheritance.take(os::Inheritance::configuration_before);
  return cli::parse(words.subspan(1), "/proc/self/fd/" + std::to_string(own->fd.get()));
}

int obey(Words words, os::Inheritance& inheritance, const Around& around) {
  const cli::CommandLine command = understand(words, inheritance);
  switch (command.wish) {
    case cli::Wish::help: std::fputs(cli::help().c_str(), stdout); return 0;
    case cli::Wish::version: std::puts("visitsd " VISITS_VERSION); return 0;
    case cli::Wish::test: return test(command);
    case cli::Wish::dump:
      std::fputs(cli::dump(command.config).c_str(), stdout);
      return test(command);
    case cli::Wish::serve: return serve(command, words, inheritance, around);
  }
  return exit_usage;
}

// The end of a start that fails, unless the image before this one can run again.
int give_up(int code, std::string why, Words words, os::Inheritance& inheritance) {
  os::Retreat::beat(inheritance, {words.begin(), words.end()}, why);
  if (!inheritance.unsettled()) prefork::Premises::give_up(inheritance);
  if (inheritance.refusal()) why += "; and a reload had failed before: " + *inheritance.refusal();
  return fail(code, why);
}

}  // namespace

int run(Words words, const Around& around) {
  os::block_signals();  // at once: those that process 1 of a container does not expect are lost
  os::occupy_standard_descriptors();
  os::Inheritance inheritance = os::Inheritance::claim();
  try {
    return obey(words, inheritance, around);
  } catch (const cli::UsageError& error) {
    return give_up(exit_usage, error.what(), words, inheritance);
  } catch (const std::exception& error) {
    return give_up(exit_config, error.what(), words, inheritance);
  }
}
