#include "sysv/value.hpp"

#include <charconv>

namespace sysv {

std::string serialized(std::int64_t value) { return "i:" + std::to_string(value) + ";"; }

std::optional<std::int64_t> integer_in(std::string_view text) {
  if (!text.starts_with("i:")) return std::nullopt;
  text.remove_prefix(2);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  std::int64_t value = 0;
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, value);
  if (error != std::errc{} || end == past || *end != ';') return std::nullopt;
  return value;
}

}  // namespace sysv
