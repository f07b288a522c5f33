#include "ctl/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "ctl/failure.hpp"

namespace ctl {
namespace {

[[noreturn]] void misused(const std::string& why) { throw Failure(Exit::usage, why); }

bool is_digit(char c) { return '0' <= c && c <= '9'; }

bool is_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !is_digit(word[1]) && word[1] != '.';
}

// All of a text as a number.
template <class Number, class... Base>
std::optional<Number> number_in(std::string_view text, Base... base) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [past, error] = std::from_chars(text.data(), end, number, base...);
  if (error != std::errc{} || past != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return number_in<std::int64_t>(text);
  return text.starts_with("0x-") ? std::nullopt : number_in<std::int64_t>(text.substr(2), 16);
}

std::size_t least_operands(const Page& page) {
  return static_cast<std::size_t>(
      std::count_if(page.operands.begin(), page.operands.end(),
                    [](std::string_view operand) { return !operand.starts_with('['); }));
}

std::string list_of(const std::vector<std::string_view>& operands) {
  std::string list;
  for (const std::string_view operand : operands) list += " " + std::string(operand);
  return list.empty() ? " no operands" : list;
}

bool looks_like_a_number(const std::string& word) {
  return !word.empty() && (is_digit(word[0]) || (word[0] == '-' && word.size() > 1)) &&
         word.find('/') == std::string::npos;
}

}  // namespace

Arguments::Arguments(const Page& page, std::span<const std::string> words) {
  bool only_operands = false;
  while (!words.empty()) {
    if (!only_operands && words.front() == "--") {
      only_operands = true;
      words = words.subspan(1);
    } else if (!only_operands && is_option(words.front())) {
      take_option(page, words);
    } else {
      operands_.push_back(words.front());
      words = words.subspan(1);
    }
  }
  if (wants_help()) return;
  if (operands_.size() >= least_operands(page) && operands_.size() <= page.operands.size()) return;
  misused(std::string(page.name) + " wants" + list_of(page.operands) + ", not " +
          std::to_string(operands_.size()) + " operands; see visitsctl ipc " +
          std::string(page.name) + " --help");
}

void Arguments::take_option(const Page& page, std::span<const std::string>& words) {
  const std::string word = words.front() == "-h" ? "--help" : words.front();
  words = words.subspan(1);
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const auto option = std::find_if(page.options.begin(), page.options.end(),
                                   [&](const Option& known) { return known.name == name; });
  if (option == page.options.end()) {
    misused(std::string(page.name) + " has no option " + name + "; see visitsctl ipc " +
            std::string(page.name) + " --help");
  }
  std::string& value = options_[name];
  if (option->value.empty()) {
    if (equals != std::string::npos) misused(name + " takes no value");
  } else if (equals != std::string::npos) {
    value = word.substr(equals + 1);
  } else {
    if (words.empty()) misused(name + " wants a value, " + std::string(option->value));
    value = words.front();
    words = words.subspan(1);
  }
}

std::optional<std::string> Arguments::value(std::string_view option) const {
  const auto found = options_.find(option);
  if (found == options_.end()) return std::nullopt;
  return found->second;
}

std::string Arguments::operand(std::size_t place) const {
  return place < operands_.size() ? operands_[place] : std::string();
}

sysv::Key key_in(const std::string& word) {
  if (!looks_like_a_number(word)) {
    try {
      return sysv::key_of_file(word);
    } catch (const std::system_error& error) {
      misused("\"" + word + "\" is neither a key (0x51e, 1310) nor a file to make one of: " +
              error.code().message());
    }
  }
  const auto number = integer_in(word);
  if (!number || *number < INT32_MIN || *number > UINT32_MAX) {
    misused("\"" + word + "\" is no key: a number of 32 bits, or the path of a file (./" + word +
            ")");
  }
  if (*number == 0) misused("key 0 is a new, private object each time; nothing is found by it");
  return sysv::Key{static_cast<key_t>(static_cast<std::uint32_t>(*number))};
}

std::int64_t variable_in(const std::string& word) {
  const auto number = integer_in(word);
  if (!number) misused("\"" + word + "\" is no variable: PHP numbers them, with 64 bits");
  return *number;
}

sysv::MessageType type_in(const std::string& word) {
  const auto number = integer_in(word);
  if (!number || *number < 1) misused("\"" + word + "\" is no message type: a number from 1 up");
  return sysv::MessageType{*number};
}

std::chrono::milliseconds seconds_in(const std::string& word) {
  constexpr double longest = 1e6;
  const auto seconds = number_in<double>(word);
  if (!seconds || !(*seconds >= 0 && *seconds <= longest)) {
    misused("\"" + word + "\" is no time in seconds: 2, 0.5");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
}

std::size_t size_in(const std::string& word) {
  const auto number = integer_in(word);
  if (!number || *number < 216) {
    misused("\"" + word + "\" is no size of a segment: a number of bytes from 216 up");
  }
  return static_cast<std::size_t>(*number);
}

sysv::Access access_in(const std::string& word) {
  const auto mode = number_in<unsigned>(word, 8);
  if (!mode || *mode > 0777) misused("\"" + word + "\" is no mode: octal, as 0600");
  return sysv::Access{*mode};
}

}  // namespace ctl
