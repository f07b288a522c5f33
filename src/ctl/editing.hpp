#pragma once

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// Verbs for one variable; manual.cpp says what each does.
Exit get(const Arguments& arguments, const Console& console);
Exit put(const Arguments& arguments, const Console& console);
Exit remove(const Arguments& arguments, const Console& console);

// The serialize() text of a VALUE in the call: made of JSON, or with --raw as it stands. Throws
// Failure (usage).
std::string text_in(const Arguments& arguments, const std::string& word);

}  // namespace ctl
