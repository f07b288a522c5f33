#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sysv {

// Takes the pieces of serialize() text off its front, each as PHP's unserialize() reads it (PHP 8.2
// to 8.6), and nothing past the end. None or false: the text does not begin with such a piece, and
// the reader may stand anywhere in it; give up. The text has to outlive the reader.
// For whole values there is unserialize() (unserializer.hpp).
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), left_(text) {}

  std::size_t position() const { return text_.size() - left_.size(); }
  std::string_view since(std::size_t position) const;

  bool take(std::string_view literal);

  std::optional<char> character();
  std::optional<std::string_view> bytes(std::size_t count);

  // Digits, of a number that fits: 3, 003.
  std::optional<std::size_t> length();

  // The same, but it may have a sign, if it is not below zero, and be missing, which makes it 0. So
  // PHP reads the counts of objects.
  std::optional<std::size_t> lax_length();

  // An integer in decimal that fits: 42, -42, +042.
  std::optional<std::int64_t> integer();

  // A float in decimal that fits: 0.1, -5, +.5, 5., 1e3, 1.0E-25. The names INF and NAN are none.
  std::optional<double> floating();

  // LENGTH:"BYTES"
  std::optional<std::string_view> quoted();

  // LENGTH:"BYTES" in which \6a is one byte of that length.
  std::optional<std::string> escaped();

 private:
  bool at_digit() const;
  bool take_plus();
  std::optional<char> hexadecimal();

  template <class Number>
  std::optional<Number> number();

  std::string_view text_;
  std::string_view left_;
};

}  // namespace sysv
