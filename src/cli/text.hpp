#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// What a value may name.
struct Names {
  std::string pool;  // for $pool; empty: nothing is put in its place
  std::function<std::optional<std::string>(const std::string&)> variable;  // for ${NAME}
  bool copies = false;  // env[]: a value that is $NAME alone names a variable, too
};

struct Expanded {
  std::string value;
  std::vector<std::string> missing;  // variables that there are none of; nothing is in their place
};

// A value as php-fpm reads it: parts in double quotes (with \" \\ \' and \$ for the bytes
// themselves), parts in single quotes (nothing in them means anything), and bare ones. Throws
// ConfigError for a quote that is not closed.
Expanded expanded(std::string_view raw, const Names& names);

// The part of a line before its comment: a ; that no quotes hold.
std::string_view without_comment(std::string_view line);

// Writes a value so that expanded() gives it back; bare where that is enough.
std::string quoted(const std::string& value);

}  // namespace cli
