#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysv/key.hpp"
#include "sysv/queue.hpp"

namespace ctl {

// What may follow a verb, and what is said about it.
struct Option {
  std::string_view name;   // "--raw"
  std::string_view value;  // what stands for its value; empty: it has none
  std::string_view meaning;
};
struct Page {
  std::string_view name;
  std::vector<std::string_view> operands;  // "KEY"; "[VARIABLE]" may be missing
  std::string_view summary;
  std::vector<Option> options;
  std::string_view text;
  std::string_view example;
};

// The words after a verb, sorted. Options may stand anywhere, as --size 80 or --size=80; a minus
// before a digit begins a number; after -- all are operands.
class Arguments {
 public:
  // Throws Failure (usage) where the page does not have an option, or the operands are too few or
  // too many.
  Arguments(const Page& page, std::span<const std::string> words);

  bool wants_help() const { return has("--help"); }
  bool has(std::string_view option) const { return options_.contains(option); }
  std::optional<std::string> value(std::string_view option) const;

  // The operand of that place; empty: it was left out.
  std::string operand(std::size_t place) const;
  std::size_t operands() const { return operands_.size(); }

 private:
  void take_option(const Page& page, std::span<const std::string>& words);

  std::vector<std::string> operands_;
  std::map<std::string, std::string, std::less<>> options_;
};

// What a word of the call means. Each throws Failure (usage) where it cannot be meant.
//
// A key: 32 bits, decimal or 0x…, negative as PHP shows some; or the path of a file, whose
// ftok(FILE, 'p') it is. "5" is a number, "./5" a file. Not 0, which finds nothing.
sysv::Key key_in(const std::string& word);
std::int64_t variable_in(const std::string& word);
sysv::MessageType type_in(const std::string& word);
std::chrono::milliseconds seconds_in(const std::string& word);  // "0.5"; up to a million
std::size_t size_in(const std::string& word);
sysv::Access access_in(const std::string& word);  // octal

}  // namespace ctl
