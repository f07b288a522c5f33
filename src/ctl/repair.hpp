#pragma once

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// The verb that mends a table; manual.cpp says what it does.
Exit repair(const Arguments& arguments, const Console& console);

}  // namespace ctl
