#include "sysv/reader.hpp"

#include <charconv>

namespace sysv {
namespace {

bool is_digit(char c) { return '0' <= c && c <= '9'; }

}  // namespace

std::string_view Reader::since(std::size_t position) const {
  return text_.substr(position, this->position() - position);
}

bool Reader::take(std::string_view literal) {
  if (!left_.starts_with(literal)) return false;
  left_.remove_prefix(literal.size());
  return true;
}

std::optional<char> Reader::character() {
  if (left_.empty()) return std::nullopt;
  return bytes(1)->front();
}

std::optional<std::string_view> Reader::bytes(std::size_t count) {
  if (left_.size() < count) return std::nullopt;
  const std::string_view taken = left_.substr(0, count);
  left_.remove_prefix(count);
  return taken;
}

bool Reader::at_digit() const { return !left_.empty() && is_digit(left_.front()); }

// from_chars() knows no plus. False: there is one, and a minus behind it.
bool Reader::take_plus() { return !take("+") || !left_.starts_with('-'); }

template <class Number>
std::optional<Number> Reader::number() {
  Number value{};
  const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
  if (error != std::errc{}) return std::nullopt;
  left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
  return value;
}

std::optional<std::size_t> Reader::length() {
  return at_digit() ? number<std::size_t>() : std::nullopt;
}

std::optional<std::size_t> Reader::lax_length() {
  const bool negative = take("-");
  if (!negative) take("+");
  const auto length = at_digit() ? number<std::size_t>() : 0;
  return negative && length > 0 ? std::nullopt : length;
}

std::optional<std::int64_t> Reader::integer() {
  return take_plus() ? number<std::int64_t>() : std::nullopt;
}

// from_chars() knows inf, infinity and nan, in any case, which PHP does not.
std::optional<double> Reader::floating() {
  if (!take_plus()) return std::nullopt;
  const std::string_view unsigned_part = left_.substr(left_.starts_with('-') ? 1 : 0);
  if (unsigned_part.empty()) return std::nullopt;
  if (!is_digit(unsigned_part.front()) && unsigned_part.front() != '.') return std::nullopt;
  return number<double>();
}

std::optional<std::string_view> Reader::quoted() {
  const auto size = length();
  if (!size || !take(":\"")) return std::nullopt;
  const auto content = bytes(*size);
  if (!content || !take("\"")) return std::nullopt;
  return content;
}

std::optional<std::string> Reader::escaped() {
  const auto size = length();
  if (!size || !take(":\"")) return std::nullopt;
  std::string content;
  while (content.size() < *size) {
    const auto byte = take("\\") ? hexadecimal() : character();
    if (!byte) return std::nullopt;
    content += *byte;
  }
  if (!take("\"")) return std::nullopt;
  return content;
}

std::optional<char> Reader::hexadecimal() {
  const auto digits = bytes(2);
  if (!digits) return std::nullopt;
  unsigned char byte = 0;
  const char* const past = digits->data() + digits->size();
  const auto [end, error] = std::from_chars(digits->data(), past, byte, 16);
  if (error != std::errc{} || end != past) return std::nullopt;
  return static_cast<char>(byte);
}

}  // namespace sysv
