#pragma once

#include <optional>
#include <string_view>

#include "sysv/value.hpp"

namespace sysv {

// The value that PHP's unserialize(TEXT) would make of it (PHP 8.2 to 8.6); none where PHP would
// fail, and the caller still has the bytes. For any bytes from anywhere: nothing past the end is
// read, memory grows with what was read and not with what it claims, and nesting costs no stack.
//
// As tolerant as PHP, and no more: an int or float may have a + and leading zeros, a float be
// written 5, .5, 5. or 1e3; S:1:"\6a"; is a string with escapes; a key that is an integer in
// decimal becomes one; of equal keys the last value wins, in the place of the first; bytes after
// the first complete value are ignored. A blank, a missing semicolon or more than 4096 arrays and
// objects inside one another are errors.
//
// Stricter than PHP on purpose: a number that does not fit is an error, where PHP goes on with
// another one: the nearest int64, INF, 0.0 or, for a length, the rest of a division by 2^64. PHP
// never writes such a number.
//
// Objects, enums and references come as Opaque and are checked for their form alone. PHP may fail
// where a class is missing or a reference leads nowhere. Equal keys before a reference make it lead
// elsewhere once they are united; PHP never writes those either.
std::optional<Value> unserialize(std::string_view text);

}  // namespace sysv
