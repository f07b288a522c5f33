#pragma once

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// Verbs that look and change nothing; manual.cpp says what each does.
Exit list(const Arguments& arguments, const Console& console);
Exit show(const Arguments& arguments, const Console& console);
Exit check(const Arguments& arguments, const Console& console);

}  // namespace ctl
