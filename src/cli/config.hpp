#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "os/listener.hpp"
#include "prefork/limits.hpp"
#include "visits/counter.hpp"

namespace cli {

// Everything that visitsd can be told. Every default serves.
struct Config {
  os::Endpoint endpoint{.address = "/run/visits.sock"};
  prefork::Limits pool;
  visits::Counter::Settings counter{.key =
                                        sysv::Key{0x76697369}};  // "visi": fixed, on every machine
  std::optional<sysv::Key> events{};  // of the queue that visits are sent to; absent: none
};

enum class Wish { serve, help, version };

struct CommandLine {
  Wish wish = Wish::serve;
  Config config;
};

// The call's words are off (exit code 64, as php-fpm has it).
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// A directive is unknown, or its value cannot be meant (exit code 78). One sentence: which
// directive, which value, and what would be right.
class ConfigError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// Reads the words after the program's name. Later directives win. Touches nothing but the key
// file, which it looks at.
CommandLine parse(std::span<const char* const> words);

// What --help prints: usage, and every directive with its default.
std::string help();

}  // namespace cli
