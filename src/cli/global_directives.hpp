#pragma once

#include <vector>

#include "cli/directives.hpp"

namespace cli {

// Those of [global]: the master and its log.
std::vector<Directive> global_directives();

}  // namespace cli
