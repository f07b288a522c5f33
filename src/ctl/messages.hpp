#pragma once

#include <string>

#include "ctl/arguments.hpp"
#include "ctl/console.hpp"
#include "ctl/failure.hpp"

namespace ctl {

// Verbs for queues; manual.cpp says what each does.
Exit send(const Arguments& arguments, const Console& console);
Exit receive(const Arguments& arguments, const Console& console);

// One line for a message: its type and value, or its bytes where they do not decode.
std::string line_of(const sysv::Message& message);
std::string json_of(const sysv::Message& message);

}  // namespace ctl
