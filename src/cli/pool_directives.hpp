#pragma once

#include <vector>

#include "cli/directives.hpp"

namespace cli {

// Those of a pool's section: the socket, the workers, the counter.
std::vector<Directive> pool_directives();

}  // namespace cli
