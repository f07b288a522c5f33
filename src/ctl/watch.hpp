#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// The variables at one moment: serialize() texts.
using Sight = std::map<std::int64_t, std::string>;

struct Change {
  std::int64_t variable;
  std::optional<std::string> before;  // none: it is new
  std::optional<std::string> after;   // none: it was removed

  bool operator==(const Change&) const = default;
};

// What happened between two looks, by variable.
std::vector<Change> changes(const Sight& before, const Sight& after);

// The verb; manual.cpp says what it does.
Exit watch(const Arguments& arguments, const Console& console);

}  // namespace ctl
