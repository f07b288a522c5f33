#include "cli/dump.hpp"

#include "cli/directives.hpp"
#include "cli/text.hpp"

namespace cli {
namespace {

std::string line(const std::string& name, const std::string& value) {
  return "\t" + name + " = " + quoted(value) + "\n";
}

std::string lines_of(const Directive& directive, const Config& config) {
  std::string text;
  if (directive.name == "env[]") {
    for (const auto& [name, value] : config.confinement.environment) {
      text += line("env[" + name + "]", value);
    }
  } else if (directive.name == "access.suppress_path[]") {
    for (const std::string& path : config.access_log.suppressed) text += line(directive.name, path);
  } else {
    text = line(directive.name, directive.text(config));
  }
  return text;
}

std::string section(Section which, const std::string& name, const Config& config) {
  std::string text = "[" + name + "]\n";
  for (const Directive& directive : directives()) {
    if (directive.section == which) text += lines_of(directive, config);
  }
  return text;
}

}  // namespace

std::string dump(const Config& config) {
  return section(Section::global, "global", config) + "\n" +
         section(Section::pool, config.pool.name, config);
}

}  // namespace cli
