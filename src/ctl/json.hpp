#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sysv/value.hpp"

namespace ctl {

// PHP's values as JSON, without loss. null, bool, int, string and float are what they are in JSON;
// an array with the keys 0, 1, 2 … is a JSON array, any other an object. What JSON has no form for
// is an object with one member:
//
//   {"hex": "ff00"}       a string that is not UTF-8, as bin2hex() writes it
//   {"php": "d:INF;"}     what has that serialize() text: objects, enums and references; INF, -INF,
//                         NAN and -0; arrays that would look like one of these forms
//   {"php_hex": "6f…"}    the same where the text is not UTF-8
//
// All of it is printable: no control character reaches a terminal.
enum class Layout { line, indented };
std::string to_json(const sysv::Value& value, Layout layout = Layout::line);

// Says in one sentence what is wrong with a text, and where.
class NotJson : public std::runtime_error {
  using runtime_error::runtime_error;
};

// The way back: to_json()'s texts, and any other JSON. Throws NotJson, also for a number beyond 64
// bits, and for more than 4096 arrays inside one another, which PHP would not read.
sysv::Value from_json(std::string_view text);

}  // namespace ctl
