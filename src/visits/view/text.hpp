#pragma once

#include <string>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// php-fpm's status page, as text.
std::string text(const Snapshot& snapshot, Detail detail);

}  // namespace visits::view
