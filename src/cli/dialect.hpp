#pragma once

#include <string>
#include <vector>

namespace cli {

// One line `name = value` of a configuration file, or, without a name, the line where a section
// begins.
struct Entry {
  std::string file;
  int line = 0;
  std::string section;  // empty: before the first one
  std::string name;
  std::string value;  // without quotes, ${NAME} and $pool
};

struct Reading {
  std::vector<Entry> entries;
  std::vector<std::string> warnings;  // one sentence each, with file and line
};

// Reads php-fpm's dialect of INI: comments after `;`, `[section]`, `name = value`, quotes, ${NAME}
// from the environment, and `include = PATTERN`, in whose place stand the lines of the files that
// match, sorted by name. A relative pattern begins at the folder of the file it stands in; one that
// nothing matches is a warning. inih does the parsing. Throws ConfigError, "FILE:LINE: …".
Reading read_configuration(const std::string& file);

}  // namespace cli
