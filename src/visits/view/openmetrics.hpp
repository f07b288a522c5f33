#pragma once

#include <string>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// php-fpm's status page for ?openmetrics, to the letter and with its faults (counters without
// `_total`, a TYPE in front of its HELP), for the dashboards that read it. See Metrics for ours.
std::string openmetrics(const Snapshot& snapshot);

}  // namespace visits::view
