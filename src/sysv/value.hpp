#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sysv {

// An integer in PHP's serialize() text: "i:-5;".
std::string serialized(std::int64_t value);

// The integer that PHP's unserialize() would read: a sign and leading zeros are fine, bytes after
// the first complete value are ignored. None: another type, damaged, or beyond 64 bits.
std::optional<std::int64_t> integer_in(std::string_view text);

}  // namespace sysv
