#include "cli/directives.hpp"

#include <set>

#include "support/catch.hpp"

using cli::Section;

namespace {

cli::Config with(Section section, const std::string& name, const std::string& value) {
  cli::Config config;
  cli::set_directive(config, section, name, value);
  return config;
}

}  // namespace

TEST_CASE("A name that both sections have means each one's own") {
  CHECK(with(Section::pool, "process.priority", "5").confinement.priority == 5);
  CHECK(with(Section::global, "process.priority", "5").master_priority == 5);
  CHECK(cli::find_directive("process.priority")->section == Section::pool);
}

TEST_CASE("No section has a name twice") {
  std::set<std::pair<Section, std::string>> names;
  for (const cli::Directive& directive : cli::directives()) {
    CHECK(names.emplace(directive.section, directive.name).second);
  }
}

TEST_CASE("A directive of the other section is refused with its own") {
  CHECK_THROWS_WITH(with(Section::global, "listen", "9000"), support::contains("a pool's section"));
  CHECK_THROWS_WITH(with(Section::pool, "pid", "/p"), support::contains("the section [global]"));
}

TEST_CASE("A directive that nobody knows, or that only PHP has, is refused") {
  CHECK_THROWS_WITH(with(Section::pool, "lisen", "9000"),
                    "there is no directive lisen, did you mean listen?");
  CHECK_THROWS_WITH(with(Section::pool, "zzz", "1"),
                    "there is no directive zzz, see visitsd --help");
  CHECK_THROWS_WITH(with(Section::pool, "php_value[x]", "1"),
                    support::contains("no PHP runs here"));
}

TEST_CASE("Every directive takes the text that it has by default") {
  for (const cli::Directive& directive : cli::directives()) {
    if (directive.name.ends_with("[]")) continue;
    INFO(directive.name);
    const std::string standard = directive.text(cli::Config{});
    CHECK(directive.text(with(directive.section, directive.name, standard)) == standard);
  }
}

TEST_CASE("A name in brackets has to fit its directive") {
  CHECK(with(Section::pool, "env[A]", "b=c").confinement.environment ==
        std::vector<std::pair<std::string, std::string>>{{"A", "b=c"}});
  CHECK_THROWS_AS(with(Section::pool, "env[]", "b"), cli::ConfigError);
  CHECK_THROWS_AS(with(Section::pool, "env", "b"), cli::ConfigError);
  CHECK_THROWS_AS(with(Section::pool, "access.suppress_path[1]", "/b"), cli::ConfigError);
  CHECK_THROWS_AS(with(Section::pool, "listen[]", "/b"), cli::ConfigError);
}

TEST_CASE("A value with a control byte is refused") {
  CHECK_THROWS_AS(with(Section::pool, "ping.response", "a\nb"), cli::ConfigError);
  CHECK_THROWS_AS(with(Section::pool, "ping.response", "a\x7f"), cli::ConfigError);
}
