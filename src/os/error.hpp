#pragma once

#include <string>

namespace os {

// Turns the current errno into a std::system_error that reads "WHAT: REASON", and
// "WHAT: REASON (HINT)" where errno alone misleads. WHAT names the call and its object.
[[noreturn]] void fail(const std::string& what, const std::string& hint = {});

}  // namespace os
