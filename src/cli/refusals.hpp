#pragma once

#include <optional>
#include <string>

namespace cli {

// Why one of php-fpm's directives means nothing here; nothing for every other name. An index in
// brackets is no part of it.
std::optional<std::string> why_refused(const std::string& name);

// The nearest of the names that are known, if one is near enough to be meant.
std::optional<std::string> nearest_name(const std::string& name);

}  // namespace cli
