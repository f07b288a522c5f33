#pragma once

#include <span>
#include <string>

#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// All of visitsctl: the words after its name, to the exit code. What goes wrong is one sentence on
// the console's `err`. Never throws.
Exit run(std::span<const std::string> words, const Console& console, const std::string& version);

}  // namespace ctl
