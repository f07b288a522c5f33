#pragma once

#include <string>
#include <string_view>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// The pool in OpenMetrics 1.0, every sample with the label `pool`.
std::string metrics(const Snapshot& snapshot, std::string_view version);

}  // namespace visits::view
