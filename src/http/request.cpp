#include "http/request.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace http {
namespace {

// Digits alone; enough for this millennium's seconds, and never too many for the arithmetic.
std::optional<std::int64_t> number_in(std::string_view digits, std::size_t most) {
  if (digits.empty() || digits.size() > most) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped_at, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stopped_at != end) return std::nullopt;
  return number;
}

}  // namespace

std::string_view Request::parameter(std::string_view name) const {
  if (parameters == nullptr || name.empty()) return {};
  for (const char* const* at = parameters; *at != nullptr; ++at) {
    const auto [in_name, in_pair] = std::mismatch(name.begin(), name.end(), *at);
    if (in_name == name.end() && *in_pair == '=') return in_pair + 1;
  }
  return {};
}

std::optional<std::chrono::system_clock::time_point> Request::start() const {
  const std::string_view text = parameter("REQUEST_START");
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || text.size() - point != 4) return std::nullopt;
  const auto seconds = number_in(text.substr(0, point), 10);
  const auto milliseconds = number_in(text.substr(point + 1), 3);
  if (!seconds || !milliseconds) return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::seconds(*seconds) +
                                               std::chrono::milliseconds(*milliseconds));
}

}  // namespace http
