#include "cli/value.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <system_error>

namespace cli {
namespace {

using namespace std::chrono_literals;

// A whole number with an optional sign, in that base, or with 0x before it in hexadecimal.
std::optional<std::int64_t> number(std::string_view text, int base = 10) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::int64_t value = 0;
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, value, base);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != past) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

struct Unit {
  std::string_view suffix;
  std::int64_t worth;
};

// The number before one of those units, or before none, times what the unit is worth.
template <std::size_t N>
std::optional<std::int64_t> measured(std::string_view text, const std::array<Unit, N>& units,
                                     std::int64_t bare, std::int64_t most) {
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [text](const Unit& u) { return text.ends_with(u.suffix); });
  const bool has_unit = unit != units.end();
  const auto count = number(has_unit ? text.substr(0, text.size() - unit->suffix.size()) : text);
  const std::int64_t worth = has_unit ? unit->worth : bare;
  if (!count || *count < 0 || *count > most / worth) return std::nullopt;
  return *count * worth;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

bool is_in_pages(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || std::string_view("/_.~-").find(c) != std::string::npos;
}

}  // namespace

std::int64_t whole_number(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto value = number(text);
  if (value && *value >= least && *value <= most) return *value;
  throw ConfigError("a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                    " is needed");
}

mode_t permissions(std::string_view text) {
  const auto value = number(text, 8);
  if (value && *value >= 0 && *value <= 0777) return static_cast<mode_t>(*value);
  throw ConfigError("permission bits in octal are needed, such as 0660");
}

std::string octal(mode_t bits) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(bits));
  return text.data();
}

std::chrono::milliseconds duration(std::string_view text) {
  constexpr std::array<Unit, 5> units = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  constexpr std::chrono::milliseconds longest = 24h * 365;
  if (const auto time = measured(text, units, 1000, longest.count())) {
    return std::chrono::milliseconds(*time);
  }
  throw ConfigError("a time of at most 365d is needed, such as 500ms, 20s or 2m");
}

std::string text_of(std::chrono::milliseconds time) {
  if (time % 1s != 0ms) return std::to_string(time.count()) + "ms";
  return std::to_string(time / 1s) + "s";
}

std::uint64_t size(std::string_view text, std::uint64_t least, std::uint64_t most) {
  constexpr std::array<Unit, 6> units = {{{"k", 1 << 10},
                                          {"K", 1 << 10},
                                          {"m", 1 << 20},
                                          {"M", 1 << 20},
                                          {"g", 1 << 30},
                                          {"G", 1 << 30}}};
  const auto bytes = measured(text, units, 1, static_cast<std::int64_t>(most));
  if (bytes && static_cast<std::uint64_t>(*bytes) >= least) {
    return static_cast<std::uint64_t>(*bytes);
  }
  throw ConfigError("a size from " + std::to_string(least) + " to " + std::to_string(most) +
                    " bytes is needed, such as 64k or 1M");
}

std::uint64_t limit(std::string_view text) {
  if (text == "unlimited") return RLIM_INFINITY;
  return static_cast<std::uint64_t>(whole_number(text, 0, INT64_MAX));
}

std::string text_of_limit(std::uint64_t limit) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit);
}

bool boolean(std::string_view text) {
  const std::string word = lower(text);
  if (word == "1" || word == "yes" || word == "on" || word == "true") return true;
  if (word.empty() || word == "0" || word == "no" || word == "off" || word == "false") return false;
  throw ConfigError("yes or no is needed");
}

sysv::Key key(std::string_view text) {
  const auto value = number(text);
  if (!value || *value == 0 || *value < INT32_MIN || *value > INT32_MAX) {
    throw ConfigError(
        "a key is a number from 0x1 to 0x7fffffff, or a negative one of 32 bits: PHP 8.6 takes no "
        "other");
  }
  return sysv::Key{static_cast<key_t>(*value)};
}

std::string text_of_key(sysv::Key key) {
  const auto number = static_cast<key_t>(key);
  return number < 0 ? std::to_string(number) : sysv::text_of(key);
}

std::vector<std::string> list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string item = trimmed(text.substr(0, comma));
    if (!item.empty()) items.push_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::string page(const std::string& text) {
  const bool sound =
      text.size() > 1 && text.front() == '/' && std::all_of(text.begin(), text.end(), is_in_pages);
  if (text.empty() || sound) return text;
  throw ConfigError("a path of / and letters, digits, /, _, ., ~ or - is needed, such as /status");
}

std::string one_of(const std::vector<std::string>& words, const std::string& text) {
  std::string word = lower(text);
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  std::string all = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    all += (i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  throw ConfigError(all + " is needed");
}

}  // namespace cli
