#include "bin/duties.hpp"

#include <sys/prctl.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "fcgi/responder.hpp"
#include "os/log.hpp"
#include "os/process.hpp"
#include "os/throttle.hpp"
#include "visits/activity.hpp"
#include "visits/app.hpp"
#include "visits/attendant.hpp"
#include "visits/counter.hpp"
#include "visits/events.hpp"

namespace {

// Writes to the log, one trouble once a second.
std::function<void(const std::string&)> reporter(os::Level level) {
  return [level, throttle = os::Throttle()](const std::string& text) mutable {
    const auto line = throttle.pass(text, std::chrono::steady_clock::now());
    if (line) os::log(level, *line);
  };
}

fcgi::Ending ending_of(prefork::Wish wish) {
  switch (wish) {
    case prefork::Wish::none: return fcgi::Ending::none;
    case prefork::Wish::retire: return fcgi::Ending::retire;
    case prefork::Wish::stop: break;
  }
  return fcgi::Ending::stop;
}

// Where a worker serves, and for how long it lets things take.
fcgi::Workplace workplace_of(prefork::Worker& worker, const Household& household,
                             visits::Statistics::Row& row) {
  const cli::Config& config = household.config;
  return {
      .listen_fd = household.premises.listening_fd(),
      .stop_fd = worker.stop_fd(),
      .limits = {.read = config.connection.read,
                 .write = config.connection.write,
                 .idle = config.connection.idle,
                 .answer = config.pool.request_terminate_timeout,
                 .queue_age = config.queue_max_age},
      .allowed_clients = household.allowed_clients,
      .relay = &household.premises.relay(),
      .ending = [&worker] { return ending_of(worker.wish()); },
      .spent = [&worker] { return worker.spent(); },
      .keep = [&worker](int connections) { worker.keep(connections); },
      .turn_away =
          [&row] {
            row.refused.add();
            row.answered(503);
          },
      .abandon = [&row] { row.abandoned.add(); },
  };
}

}  // namespace

void work(prefork::Worker& worker, const Household& household) {
  const cli::Config& config = household.config;
  const auto report = reporter(os::Level::error);
  visits::Statistics::Row& row = household.statistics[worker.place()];
  visits::Counter counter(config.counter, reporter(os::Level::notice));
  std::optional<visits::Events> events;
  if (config.events) events.emplace(*config.events, config.counter.access, report);
  visits::App app(counter, report,
                  {.events = events ? &*events : nullptr, .row = &row, .stopping = [&] {
                     return worker.stopping();
                   }});
  fcgi::Handler answer = [&](const auto& request, auto& response) {
    app.answer(request, response);
  };
  if (household.around) answer = household.around(std::move(answer));
  fcgi::Responder responder(workplace_of(worker, household, row));
  if (config.batch) os::be_batch();
  household.confined.enter_sandbox();
  worker.idle();
  visits::ActivityBytes note;
  responder.run([&](const http::Request& request, http::Response& response) {
    household.logs.begin_request();
    os::set_log_trace(request.parameter("TRACE"));
    worker.begin(visits::encode(visits::activity_of(request), note));
    answer(request, response);
    household.logs.end_request(request, response, app.counted());
    worker.end();
  });
}

void attend(const prefork::AttendantContext& pool, const Household& household) {
  prctl(PR_SET_NAME, "visitsd-status");  // for ps and top
  const cli::Status& status = household.config.status;
  const prefork::Premises& premises = household.premises;
  visits::Attendant attendant({pool.scoreboard, household.statistics, premises.listening_fd()},
                              household.config.pool,
                              {.status_path = status.status_path,
                               .ping_path = status.ping_path,
                               .ping_response = status.ping_response,
                               .metrics_path = status.metrics_path,
                               .version = VISITS_VERSION});
  const cli::ConnectionLimits& limits = household.config.connection;
  fcgi::Responder responder(premises.status_fd(), pool.child.stop_fd(),
                            {.read = limits.read, .write = limits.write, .idle = limits.idle});
  household.confined.enter_sandbox();
  responder.run([&](const http::Request& request, http::Response& response) {
    response = attendant.answer(request);
  });
}
