#pragma once

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// The verb that destroys what is at a key; manual.cpp says what it does.
Exit rm(const Arguments& arguments, const Console& console);

}  // namespace ctl
