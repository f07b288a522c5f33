#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/config.hpp"

namespace cli {

enum class Section { global, pool };

// One directive: what sets its value in a Config, and what writes it back.
struct Directive {
  Section section;
  std::string name;  // "env[]" and "access.suppress_path[]" can be given many times
  std::string meaning;
  std::function<void(Config&, const std::string& value)> set;  // throws ConfigError
  std::function<std::string(const Config&)> text;
};

// All of them, in the order in which php-fpm shows its own; the global ones first.
const std::vector<Directive>& directives();

// By its name; a name that both sections have is the pool's, unless `section` says otherwise.
// Null: there is none.
const Directive* find_directive(const std::string& name);
const Directive* find_directive(Section section, const std::string& name);

// Sets a directive by the name that stands in the file. `env[NAME]` and `access.suppress_path[]`
// are names, too. Throws ConfigError, without the place: for a name of the other section, for one
// of php-fpm's that means nothing here, and for one that nobody knows, with the nearest.
void set_directive(Config& config, Section section, const std::string& name,
                   const std::string& value);

}  // namespace cli
