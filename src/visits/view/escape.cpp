#include "visits/view/escape.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace visits::view {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

struct Lead {
  std::size_t size;    // of the character; 0: no character begins like that
  std::uint32_t bits;  // of it that are in the first byte
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, byte};
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U};
  return {0, 0};
}

bool is_shown(std::uint32_t character, std::size_t size) {
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0x20, 0xa0, 0x800, 0x10000};
  if (character < smallest[size] || character == 0x7f || character > 0x10ffff) return false;
  const bool is_surrogate = character >= 0xd800 && character < 0xe000;
  return !is_surrogate && character != 0xfffe && character != 0xffff;
}

// How many bytes the character at the text's begin has; 0: none that can be shown.
std::size_t shown_size(std::string_view text) {
  const auto [size, bits] = lead_of(static_cast<unsigned char>(text.front()));
  if (size == 0 || size > text.size()) return 0;
  std::uint32_t character = bits;
  for (const char next : text.substr(1, size - 1)) {
    const auto byte = static_cast<unsigned char>(next);
    if ((byte & 0xc0U) != 0x80) return 0;
    character = (character << 6U) | (byte & 0x3fU);
  }
  return is_shown(character, size) ? size : 0;
}

struct Rule {
  char from;
  std::string_view to;
};

// What needs no rule is copied as it stands, as far as that goes.
template <std::size_t Count>
std::string replaced(std::string_view text, const std::array<Rule, Count>& rules) {
  const auto rule_for = [&](char byte) {
    return std::find_if(rules.begin(), rules.end(),
                        [byte](const Rule& rule) { return rule.from == byte; });
  };
  std::string result;
  result.reserve(text.size());
  while (true) {
    const auto special = std::find_if(text.begin(), text.end(),
                                      [&](char byte) { return rule_for(byte) != rules.end(); });
    result.append(text.begin(), special);
    if (special == text.end()) return result;
    result.append(rule_for(*special)->to);
    text = {special + 1, text.end()};
  }
}

bool is_plain(char byte) { return byte >= ' ' && byte <= '~'; }

}  // namespace

std::string printable(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = shown_size(text);
    result += size == 0 ? replacement : text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return result;
}

std::string json_escaped(std::string_view text) {
  return replaced(text, std::array<Rule, 3>{{{'"', "\\\""}, {'\\', "\\\\"}, {'/', "\\/"}}});
}

std::string markup_escaped(std::string_view text) {
  return replaced(
      text, std::array<Rule, 4>{{{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}}});
}

std::string label_escaped(std::string_view text) {
  return replaced(text, std::array<Rule, 2>{{{'"', "\\\""}, {'\\', "\\\\"}}});
}

}  // namespace visits::view
