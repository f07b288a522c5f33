#pragma once

#include <optional>
#include <string>

#include "sysv/value.hpp"

namespace sysv {

// The text that PHP's serialize(VALUE) writes, byte for byte (PHP 8.2 to 8.6 with the default
// serialize_precision = -1), as shm_put_var stores and msg_send sends it:
//
//   null     N;                       string  s:BYTES:"RAW BYTES";     no escapes, no terminator
//   bool     b:0; b:1;                array   a:COUNT:{KEY VALUE …}    keys as i: or s:
//   int      i:-5;                    opaque  its text
//   float    d:0.1; d:-0; d:1.0E+25; d:INF; d:-INF; d:NAN;
//
// A float has the fewest digits that read back as the same number. They are written out from 1.0E-4
// up to, not including, 1.0E+17; beyond that as D.D…E±X, with one decimal at least.
// Of any depth, though PHP reads back no more than 4096 arrays and objects inside one another.
std::string serialize(const Value& value);

// The bytes that PHP sends for msg_send(…, serialize: false): a string as it is, an int in decimal,
// true and false as 1 and 0, a float with six decimals, always: 1.0E-7 is sent as 0.000000 (and so
// is -0.0, while -1.0E-7 is -0.000000), -INF and INF both as inf, NAN as nan (PHP 8.2).
// None: null, arrays and objects, for which PHP throws a TypeError.
// Nothing in a message says which form it has; both sides have to agree.
std::optional<std::string> raw(const Value& value);

}  // namespace sysv
