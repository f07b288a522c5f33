#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace os {

// Both append as much of `text` as fits into `room` bytes, never half a character or half an
// escape, and say how many bytes of `text` that was.

// For people: control bytes as \xNN, so that a line stays a line; the rest as it is.
std::size_t append_printable(std::string& out, std::string_view text, std::size_t room);

// For a string of JSON: what JSON wants escaped is; bytes that are not UTF-8 appear as the text
// \xNN, so that the result always is.
std::size_t append_json(std::string& out, std::string_view text, std::size_t room);

// How many bytes the UTF-8 character at the beginning has; 0: there is none.
std::size_t character_length(std::string_view text);

}  // namespace os
