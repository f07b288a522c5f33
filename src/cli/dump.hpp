#pragma once

#include <string>

#include "cli/config.hpp"

namespace cli {

// Every directive with its value, in the dialect: a file of this text makes the same
// configuration.
std::string dump(const Config& config);

}  // namespace cli
