#include "sysv/serializer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace sysv {
namespace {

// 0.DIGITS × 10^point
struct Decimal {
  std::string digits;
  int point;
};

// From "D.DDDe±XX". REQUIRES: a finite number above 0.
Decimal shortest(double number) {
  std::array<char, 32> text{};
  const auto written =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific);
  const std::string_view all(text.data(), written.ptr);
  const std::size_t e = all.find('e');
  std::string digits(all.substr(0, e));
  if (digits.size() > 1) digits.erase(1, 1);
  return {digits, std::atoi(text.data() + e + 1) + 1};
}

std::string written_out(const Decimal& decimal) {
  const auto& [digits, point] = decimal;
  if (point <= 0) return "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  const auto whole = static_cast<std::size_t>(point);
  if (digits.size() <= whole) return digits + std::string(whole - digits.size(), '0');
  return digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string with_exponent(const Decimal& decimal) {
  const auto& [digits, point] = decimal;
  const std::string decimals = digits.size() > 1 ? digits.substr(1) : "0";
  const char* const sign = point > 0 ? "+" : "-";
  return digits.substr(0, 1) + "." + decimals + "E" + sign + std::to_string(std::abs(point - 1));
}

std::string text_of(double number) {
  if (std::isnan(number)) return "NAN";
  const std::string sign = std::signbit(number) ? "-" : "";
  if (std::isinf(number)) return sign + "INF";
  if (number == 0) return sign + "0";
  const Decimal decimal = shortest(std::abs(number));
  const bool short_enough = -3 <= decimal.point && decimal.point <= 17;
  return sign + (short_enough ? written_out(decimal) : with_exponent(decimal));
}

// Arrays that are under way are kept in a list, not on the stack: a value of any depth is safe.
class Serializer {
 public:
  std::string run(const Value& value) {
    write(value);
    while (!open_.empty()) step();
    return std::move(text_);
  }

 private:
  struct Rest {
    std::vector<Element>::const_iterator next;
    std::vector<Element>::const_iterator end;
  };

  void step() {
    auto& [next, end] = open_.back();
    if (next == end) {
      text_ += '}';
      open_.pop_back();
      return;
    }
    const Element& element = *next++;
    if (element.key.number() != nullptr) write(*element.key.number());
    if (element.key.text() != nullptr) write(*element.key.text());
    write(element.value);
  }

  void write(const Value& value) {
    std::visit([this](const auto& content) { write(content); }, value.data());
  }
  void write(Null) { text_ += "N;"; }
  void write(bool truth) { text_ += truth ? "b:1;" : "b:0;"; }
  void write(std::int64_t number) { text_ += serialized(number); }
  void write(double number) { text_ += "d:" + text_of(number) + ";"; }
  void write(const std::string& bytes) {
    text_ += "s:" + std::to_string(bytes.size()) + ":\"";
    text_ += bytes;
    text_ += "\";";
  }
  void write(const Array& array) {
    const auto& elements = array.elements();
    text_ += "a:" + std::to_string(elements.size()) + ":{";
    open_.push_back({elements.begin(), elements.end()});
  }
  void write(const Opaque& opaque) { text_ += opaque.text; }

  std::string text_;
  std::vector<Rest> open_;
};

// PHP's own printf takes the sign off numbers below zero only, and of infinity.
std::string six_decimals(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return "inf";
  std::array<char, 400> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(),
                                     number == 0 ? 0.0 : number, std::chars_format::fixed, 6);
  return {text.data(), written.ptr};
}

}  // namespace

std::string serialize(const Value& value) { return Serializer().run(value); }

std::optional<std::string> raw(const Value& value) {
  if (const auto* bytes = value.as<std::string>()) return *bytes;
  if (const auto* number = value.as<std::int64_t>()) return std::to_string(*number);
  if (const auto* truth = value.as<bool>()) return *truth ? "1" : "0";
  if (const auto* number = value.as<double>()) return six_decimals(*number);
  return std::nullopt;
}

}  // namespace sysv
