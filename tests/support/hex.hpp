#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/hex.hpp"

namespace support {

// Any bytes pass through a file or a command line this way.
using ctl::hex;

// REQUIRES: pairs of hexadecimal digits.
inline std::string from_hex(std::string_view text) { return ctl::from_hex(text).value(); }

// The lines of a text, without their ends.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? end : end + 1;
  }
  return lines;
}

}  // namespace support
