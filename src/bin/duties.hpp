#pragma once

#include <functional>

#include "bin/confined.hpp"
#include "bin/logs.hpp"
#include "cli/config.hpp"
#include "fcgi/allowed_clients.hpp"
#include "fcgi/handler.hpp"
#include "prefork/master.hpp"
#include "prefork/premises.hpp"
#include "visits/statistics.hpp"

// Something to be done around the application's handler; empty: nothing. For programs that are
// visitsd and a little more.
using Around = std::function<fcgi::Handler(fcgi::Handler)>;

// What the processes of a pool have in common. All of it outlives them.
struct Household {
  const cli::Config& config;
  const prefork::Premises& premises;
  const Confined& confined;
  const fcgi::AllowedClients& allowed_clients;
  Logs& logs;
  visits::Statistics& statistics;
  const Around& around;
};

// A worker's life: one counter, one application, one responder. The only place where the process
// manager and FastCGI meet.
void work(prefork::Worker& worker, const Household& household);

// The attendant's: one process that tells how the pool does, also while every worker is busy.
void attend(const prefork::AttendantContext& pool, const Household& household);
