#include "cli/text.hpp"

#include "cli/error.hpp"
#include "support/catch.hpp"

namespace {

std::optional<std::string> variable(const std::string& name) {
  if (name == "HOME") return "/home/jo";
  return std::nullopt;
}

cli::Expanded of(std::string_view raw, bool copies = false) {
  return cli::expanded(raw, {.pool = "www", .variable = variable, .copies = copies});
}

}  // namespace

TEST_CASE("Quotes hold a value together and are no part of it") {
  CHECK(of("plain text").value == "plain text");
  CHECK(of(R"("%R - \"%m\" ; \\ \' \$pool")").value == R"(%R - "%m" ; \ ' $pool)");
  CHECK(of(R"('$pool "${HOME}" \"')").value == R"($pool "${HOME}" \")");
  CHECK(of(R"(a"b c"'d')").value == "ab cd");
  CHECK(of(R"("C:\dir")").value == R"(C:\dir)");
}

TEST_CASE("A quote that is not closed is refused") {
  CHECK_THROWS_WITH(of("\"a"), support::contains("a quote is not closed"));
  CHECK_THROWS_AS(of("a'"), cli::ConfigError);
  CHECK_THROWS_AS(of(R"("a\")"), cli::ConfigError);
}

TEST_CASE("Variables and the pool's name stand in for themselves") {
  CHECK(of("${HOME}/$pool.log").value == "/home/jo/www.log");
  CHECK(of("\"${HOME}\"").value == "/home/jo");
  CHECK(of("$pools $ ${ $HOME").value == "wwws $ ${ $HOME");
  CHECK(cli::expanded("$pool", {.pool = "", .variable = variable}).value == "$pool");
}

TEST_CASE("A variable that is missing leaves nothing, and its name is told") {
  const cli::Expanded result = of("a${NONE}b");
  CHECK(result.value == "ab");
  CHECK(result.missing == std::vector<std::string>{"NONE"});
}

TEST_CASE("env[] copies a variable that is all of its value") {
  CHECK(of("$HOME", true).value == "/home/jo");
  CHECK(of("\"$HOME\"", true).value == "/home/jo");
  CHECK(of("'$HOME'", true).value == "$HOME");
  CHECK(of("$HOME/x", true).value == "$HOME/x");
  CHECK(of("$pool", true).value == "www");
  CHECK(of("\"\\$HOME\"", true).value == "$HOME");
}

TEST_CASE("A comment begins at a semicolon that no quotes hold") {
  CHECK(cli::without_comment("a = b ; c") == "a = b ");
  CHECK(cli::without_comment("a = b;c") == "a = b");
  CHECK(cli::without_comment(R"(a = "b;\";" ; c)") == R"(a = "b;\";" )");
  CHECK(cli::without_comment("a = 'b;' ; c") == "a = 'b;' ");
  CHECK(cli::without_comment("; c").empty());
}

TEST_CASE("What is written in quotes is read as the same, whatever its bytes") {
  for (const char* value : {"", "/run/a.sock", "a b", " a ", "\"", "'", "\\", "\\\"", "$pool",
                            "${HOME}", "$HOME", "a;b", "#", "\xc3\xa4", "[x]", "a=b", "%R \\"}) {
    INFO(value);
    const std::string written = cli::quoted(value);
    CHECK(of(written, true).value == value);
    CHECK(cli::without_comment(written) == written);
  }
  CHECK(cli::quoted("/run/a.sock") == "/run/a.sock");
}
