#pragma once

#include "cli/config.hpp"

namespace cli {

// Whether the configuration agrees with itself; ConfigError names the directive, where it was
// given, and what it contradicts. Pure.
void check_agreement(const Config& config, const Origins& origins);

// Whether this machine has what the configuration names: users, groups, folders. Opens and makes
// nothing. ConfigError.
void check_machine(const CommandLine& command);

}  // namespace cli
