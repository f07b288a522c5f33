#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"
#include "sysv/value.hpp"

// Any text as a value. What can be read is written and read again.

namespace {

using fuzz::require;
using sysv::Value;

std::optional<std::int64_t> integer(const std::optional<Value>& value) {
  const auto* const number = value ? value->as<std::int64_t>() : nullptr;
  return number == nullptr ? std::nullopt : std::optional(*number);
}

// NAN differs from itself, and the same digits may stand in a string: its text decides.
bool same(const Value& one, const Value& other) {
  return one == other || sysv::serialize(one).find("NAN") != std::string::npos;
}

void check_round_trip(const Value& value) {
  const std::string text = sysv::serialize(value);
  const auto again = sysv::unserialize(text);
  require(again.has_value(), "what we write we can read");
  require(sysv::serialize(*again) == text, "and it is written the same");
  require(same(value, *again), "and is equal");
  const Value copy = value;
  require(same(copy, value), "a copy is equal");
  const auto cut = sysv::unserialize(std::string_view(text).substr(0, text.size() - 1));
  require(!cut, "a value without its last byte is none");
}

void check_keys(const sysv::Array& array) {
  for (const auto& element : array.elements()) {
    require(array.find(element.key) == &element.value, "no key stands in an array twice");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // On the heap and of that size: ASan watches what is behind.
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  const auto value = sysv::unserialize(text);
  require(sysv::integer_in(text) == integer(value), "both readers of integers agree");
  if (!value) return 0;
  check_round_trip(*value);
  if (const auto* array = value->as<sysv::Array>()) check_keys(*array);
  (void)sysv::raw(*value);
  return 0;
}
