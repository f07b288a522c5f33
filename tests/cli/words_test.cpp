#include "cli/words.hpp"

#include "support/catch.hpp"

namespace {

cli::Words read(const std::vector<const char*>& words) { return cli::read_words(words); }

}  // namespace

TEST_CASE("Each option has its short and its long form") {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"-y", "f", "-p", "/x", "-d", "a=b", "-R", "-F", "-t"},
           {"--fpm-config", "f", "--prefix", "/x", "--define", "a=b", "--allow-to-run-as-root",
            "--nodaemonize", "--test"},
           {"--fpm-config=f", "--prefix=/x", "--define=a=b", "-RFt"},
           {"-yf", "-p/x", "-da=b", "-tFR"}}) {
    const cli::Words made = read(words);
    CHECK(made.file == "f");
    CHECK(made.prefix == "/x");
    CHECK(made.directives == std::vector<std::string>{"a=b"});
    CHECK(made.allow_root);
    CHECK(made.daemonize == false);
    CHECK(made.tests == 1);
  }
  CHECK(read({"-h"}).help);
  CHECK(read({"--version"}).version);
}

TEST_CASE("Two tests are -tt, together or apart") {
  CHECK(read({"-tt"}).tests == 2);
  CHECK(read({"-t", "--test"}).tests == 2);
}

TEST_CASE("Of -F and -D the last one counts, and without either nothing is said") {
  CHECK(read({"-F", "-D"}).daemonize == true);
  CHECK(read({"-D", "--nodaemonize"}).daemonize == false);
  CHECK_FALSE(read({"-R"}).daemonize);
}

TEST_CASE("A word that is no option is wrong usage, and named") {
  for (const char* word : {"serve", "", "-", "--", "-x", "-Fx", "--faster", "--test=1", "--t"}) {
    INFO(word);
    CHECK_THROWS_AS(read({word}), cli::UsageError);
  }
  CHECK_THROWS_WITH(read({"serve"}), support::contains("no such option: serve"));
}

TEST_CASE("An option without the value that it wants is wrong usage") {
  for (const char* word : {"-y", "-d", "-p", "--prefix", "-Fy"}) {
    CHECK_THROWS_WITH(read({word}), support::contains("wants a value after it"));
  }
  CHECK_THROWS_AS(read({"-y", ""}), cli::UsageError);
}

TEST_CASE("All after -- is the command in front, options and further -- among it") {
  const cli::Words words = read({"-F", "--", "nginx", "-t", "--", "-x", ""});
  CHECK(words.front == std::vector<std::string>{"nginx", "-t", "--", "-x", ""});
  CHECK(words.tests == 0);
  CHECK(read({"-F"}).front.empty());
  CHECK_THROWS_WITH(read({"-F", "--"}), support::contains("wants a command"));
  CHECK_THROWS_WITH(read({"--", ""}), support::contains("wants a command"));
}
