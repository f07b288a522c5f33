#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/error.hpp"

namespace cli {

// What the words after the program's name say; php-fpm's options.
struct Words {
  bool help = false;                      // -h, --help
  bool version = false;                   // -v, --version
  int tests = 0;                          // -t, --test; twice, or -tt: print the configuration, too
  bool allow_root = false;                // -R, --allow-to-run-as-root
  std::optional<bool> daemonize{};        // -D, --daemonize; -F, --nodaemonize; the last one counts
  std::string file{};                     // -y, --fpm-config FILE
  std::string prefix{};                   // -p, --prefix FOLDER
  std::vector<std::string> directives{};  // -d, --define NAME=VALUE, in their order
  std::vector<std::string> front{};       // all after --
};

// Short options may stand together (-FR) and have their value in the same word (-yFILE); long ones
// after a space or an equals sign. Throws UsageError for a word that is none of them.
Words read_words(std::span<const char* const> words);

}  // namespace cli
