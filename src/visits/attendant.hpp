#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "http/response.hpp"
#include "os/backlog.hpp"
#include "prefork/limits.hpp"
#include "prefork/scoreboard.hpp"
#include "visits/statistics.hpp"
#include "visits/view/metrics.hpp"
#include "visits/view/snapshot.hpp"

namespace visits {

// Answers for the pool while the pool is busy: it runs in a process of its own, reads what the
// workers write, and waits for none of them.
//
//   status_path     php-fpm's status page: text, or ?html ?xml ?json ?openmetrics; &full
//
//   ping_path       ping_response
//
//   metrics_path    OpenMetrics
//
//   any other       404
//
// An empty path is no page.
class Attendant {
 public:
  struct Settings {
    std::string status_path = "/status";
    std::string ping_path = "/ping";
    std::string ping_response = "pong";
    std::string metrics_path = "/metrics";
    std::string version{};
  };

  // What the pages are made of; all of it outlives the attendant. `listen_fd` is the workers'.
  struct Sources {
    const prefork::Scoreboard& scoreboard;
    const Statistics& statistics;
    int listen_fd;
  };

  // In the attendant's own process, before it gives up any right: it may open a socket and read the
  // time zone.
  Attendant(Sources sources, prefork::Limits limits, Settings settings);

  http::Response answer(const http::Request& request);

 private:
  http::Response status(std::string_view query);
  view::Snapshot snapshot(view::Detail detail);

  Sources sources_;
  prefork::Limits limits_;
  Settings settings_;
  os::BacklogGauge gauge_;
  view::Metrics metrics_;
};

}  // namespace visits
