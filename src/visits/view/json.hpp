#pragma once

#include <string>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// php-fpm's status page for ?json.
std::string json(const Snapshot& snapshot, Detail detail);

}  // namespace visits::view
