#pragma once

#include <string>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// php-fpm's status page for ?html.
std::string html(const Snapshot& snapshot, Detail detail);

}  // namespace visits::view
