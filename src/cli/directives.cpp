#include "cli/directives.hpp"

#include <algorithm>

#include "cli/global_directives.hpp"
#include "cli/pool_directives.hpp"
#include "cli/refusals.hpp"

namespace cli {
namespace {

struct Name {
  std::string row;    // as the table has it
  std::string index;  // what stands in the brackets
};

Name split(const std::string& name) {
  const auto bracket = name.find('[');
  if (bracket == std::string::npos || !name.ends_with(']')) return {name, {}};
  return {name.substr(0, bracket) + "[]", name.substr(bracket + 1, name.size() - bracket - 2)};
}

[[noreturn]] void unknown(const std::string& name) {
  if (const auto why = why_refused(name)) throw ConfigError(*why);
  const auto nearest = nearest_name(name);
  throw ConfigError("there is no directive " + name +
                    (nearest ? ", did you mean " + *nearest + "?" : ", see visitsd --help"));
}

// What no line of a file can have.
bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

}  // namespace

const std::vector<Directive>& directives() {
  static const std::vector<Directive> all = [] {
    std::vector<Directive> both = global_directives();
    const std::vector<Directive> pool = pool_directives();
    both.insert(both.end(), pool.begin(), pool.end());
    return both;
  }();
  return all;
}

const Directive* find_directive(Section section, const std::string& name) {
  const auto found = std::find_if(directives().begin(), directives().end(), [&](const auto& d) {
    return d.section == section && d.name == split(name).row;
  });
  return found == directives().end() ? nullptr : &*found;
}

const Directive* find_directive(const std::string& name) {
  const Directive* const pool = find_directive(Section::pool, name);
  return pool ? pool : find_directive(Section::global, name);
}

void set_directive(Config& config, Section section, const std::string& name,
                   const std::string& value) {
  const Directive* const directive = find_directive(section, name);
  if (!directive && find_directive(name)) {
    throw ConfigError(section == Section::global
                          ? "this is of a pool's section, such as [www], not of [global]"
                          : "this is of the section [global], not of a pool's");
  }
  if (!directive) unknown(name);
  if (std::any_of(value.begin(), value.end(), is_control)) {
    throw ConfigError("the value has a control byte");
  }
  const auto [row, index] = split(name);
  if (row == "access.suppress_path[]" && !index.empty()) {
    throw ConfigError("access.suppress_path[] is needed, with nothing in the brackets");
  }
  directive->set(config, row == "env[]" ? index + "=" + value : value);
}

}  // namespace cli
