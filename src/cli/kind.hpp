#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/directives.hpp"
#include "cli/value.hpp"

namespace cli {

// How values of one type are read and written.
template <class T>
struct Kind {
  std::function<T(const std::string&)> read;
  std::function<std::string(const T&)> write;
};

// A directive that is one field of Config: `where` returns it.
template <class Where, class T>
Directive field(Section section, const char* name, const char* meaning, Where where, Kind<T> kind) {
  return {section, name, meaning,
          [=](Config& config, const std::string& value) { where(config) = kind.read(value); },
          [=](const Config& config) { return kind.write(where(config)); }};
}

// Nothing written: nothing there.
template <class T>
Kind<std::optional<T>> maybe(Kind<T> kind) {
  return {[=](const std::string& text) {
            return text.empty() ? std::optional<T>() : std::optional<T>(kind.read(text));
          },
          [=](const std::optional<T>& value) { return value ? kind.write(*value) : ""; }};
}

template <class T>
Kind<T> whole(std::int64_t least, std::int64_t most) {
  return {[=](const std::string& text) { return static_cast<T>(whole_number(text, least, most)); },
          [](const T& value) { return std::to_string(value); }};
}

inline Kind<std::string> words() {
  return {[](const std::string& text) { return text; },
          [](const std::string& value) { return value; }};
}

inline Kind<std::string> choice(const std::vector<std::string>& all) {
  return {[=](const std::string& text) { return one_of(all, text); },
          [](const std::string& value) { return value; }};
}

inline Kind<bool> yes_or_no() {
  return {[](const std::string& text) { return boolean(text); },
          [](const bool& value) { return value ? "yes" : "no"; }};
}

inline Kind<std::chrono::milliseconds> time() {
  return {[](const std::string& text) { return duration(text); },
          [](const std::chrono::milliseconds& value) { return text_of(value); }};
}

// 0 is none, as for php-fpm: whoever started us has set one.
inline Kind<std::optional<std::uint64_t>> resource_limit() {
  return {
      [](const std::string& text) {
        const std::uint64_t most = text.empty() ? 0 : limit(text);
        return most == 0 ? std::optional<std::uint64_t>() : most;
      },
      [](const std::optional<std::uint64_t>& value) { return value ? text_of_limit(*value) : ""; }};
}

}  // namespace cli
