#pragma once

#include <stdexcept>

namespace cli {

// The call's words are off (exit code 64, as php-fpm has it).
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// A directive is unknown, or its value cannot be meant (exit code 78). One sentence: where, which
// directive, what is wrong, and what would be right.
class ConfigError : public std::runtime_error {
  using runtime_error::runtime_error;
};

}  // namespace cli
