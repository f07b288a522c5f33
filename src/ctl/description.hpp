#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "sysv/value.hpp"
#include "sysv/variables.hpp"

namespace ctl {

// Any count or number of the kernel's, for a document.
inline sysv::Value number(std::integral auto value) { return static_cast<std::int64_t>(value); }

// "int", "array", "object" and so on; "damaged" where PHP could not read the text.
std::string type_of(std::string_view text);

// The value of serialize() text as JSON on one line; of any other text its bytes.
std::string shown(std::string_view text);

// {"value": …}, or {"bytes": …} where the text does not decode.
void describe(sysv::Array& document, std::string_view text);

// {"variable": 0, "type": "int", "size": 4, "value": 5}
sysv::Value document_of(const sysv::Variable& variable);

}  // namespace ctl
