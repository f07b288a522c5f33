#include "cli/config.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "sysv/key.hpp"

using namespace std::chrono_literals;

namespace {

cli::CommandLine parsed(const std::vector<const char*>& words) { return cli::parse(words); }

// What the directives, given one by one with -d, make of the defaults.
cli::Config config(const std::vector<std::string>& assignments) {
  std::vector<const char*> words;
  for (const std::string& assignment : assignments) {
    words.insert(words.end(), {"-d", assignment.c_str()});
  }
  return parsed(words).config;
}

int key_of(const std::vector<std::string>& assignments) {
  return static_cast<int>(config(assignments).counter.key);
}

std::chrono::milliseconds timeout_of(const std::string& text) {
  return config({"process_control_timeout=" + text}).pool.process_control_timeout;
}

}  // namespace

TEST_CASE("Without a word, the defaults serve") {
  const cli::CommandLine command = parsed({});
  CHECK(command.wish == cli::Wish::serve);
  CHECK(command.config.endpoint.address == "/run/visits.sock");
  CHECK(command.config.endpoint.mode == 0660);
  CHECK(command.config.endpoint.backlog == -1);
  CHECK_FALSE(command.config.endpoint.owner);
  CHECK(command.config.pool.max_children == 4);
  CHECK(command.config.pool.process_control_timeout == 20s);
  CHECK(command.config.counter.key == sysv::Key{0x76697369});
  CHECK(command.config.counter.access == sysv::owner_only);
}

TEST_CASE("Help and version are wishes, in long and in short") {
  CHECK(parsed({"--help"}).wish == cli::Wish::help);
  CHECK(parsed({"-F", "-h"}).wish == cli::Wish::help);
  CHECK(parsed({"--version"}).wish == cli::Wish::version);
  CHECK(parsed({"-d", "pm=static", "-v"}).wish == cli::Wish::version);
  CHECK(parsed({"-F", "--nodaemonize"}).wish == cli::Wish::serve);
}

TEST_CASE("Each directive sets its value") {
  const cli::Config made =
      config({"listen=127.0.0.1:9000", "listen.backlog=511", "listen.owner=www", "listen.group=33",
              "listen.mode=0666", "pm=static", "pm.max_children=32", "visits.access=0640"});
  CHECK(made.endpoint.address == "127.0.0.1:9000");
  CHECK(made.endpoint.backlog == 511);
  CHECK(made.endpoint.owner == "www");
  CHECK(made.endpoint.group == "33");
  CHECK(made.endpoint.mode == 0666);
  CHECK(made.pool.max_children == 32);
  CHECK(made.counter.access == sysv::Access{0640});
}

TEST_CASE("The last of two directives counts, and a value may have an equals sign") {
  CHECK(config({"pm.max_children=2", "pm.max_children=3"}).pool.max_children == 3);
  CHECK(config({"listen=/run/a=b.sock"}).endpoint.address == "/run/a=b.sock");
}

TEST_CASE("Times have units, and are seconds without one") {
  CHECK(timeout_of("90") == 90s);
  CHECK(timeout_of("500ms") == 500ms);
  CHECK(timeout_of("20s") == 20s);
  CHECK(timeout_of("2m") == 2min);
  CHECK(timeout_of("3h") == 3h);
  CHECK(timeout_of("1d") == 24h);
  CHECK(timeout_of("0") == 0s);
}

TEST_CASE("A time that cannot be meant, or that no clock can hold, is refused") {
  const std::string time = GENERATE("", "s", "ms", "-1", "-1s", "1w", "1.5s", "1 s", "20S", "1e3",
                                    "1000000d", "99999999999999999999s");
  INFO(time);
  CHECK_THROWS_AS(timeout_of(time), cli::ConfigError);
}

TEST_CASE("The longest time that is taken can be added to now") {
  const auto now = std::chrono::steady_clock::now();
  CHECK(now + timeout_of("365d") > now);
}

TEST_CASE("A value that cannot be meant is refused, with the directive in the message") {
  const std::string assignment =
      GENERATE("listen.backlog=-2", "listen.backlog=many", "listen.backlog=65536", "listen.mode=8",
               "listen.mode=1000", "listen.mode=-1", "listen.mode=rw", "pm=dynamic",
               "pm=", "pm.max_children=0", "pm.max_children=-4", "pm.max_children=10001",
               "pm.max_children=4x", "pm.max_children=", "visits.access=0888");
  INFO(assignment);
  CHECK_THROWS_AS(config({assignment}), cli::ConfigError);
  CHECK_THROWS_WITH(config({assignment}), support::contains("-d " + assignment + ": "));
}

TEST_CASE("A key is any number of 32 bits but 0") {
  CHECK(key_of({"visits.key=0x51e"}) == 0x51e);
  CHECK(key_of({"visits.key=1310"}) == 1310);
  CHECK(key_of({"visits.key=1"}) == 1);
  CHECK(key_of({"visits.key=0x7fffffff"}) == 0x7fffffff);
  CHECK(key_of({"visits.key=-1"}) == -1);
  CHECK(key_of({"visits.key=-2147483648"}) == -2147483647 - 1);
}

TEST_CASE("A key out of range, or that is no number, is refused") {
  const std::string key = GENERATE("0", "0x0", "-0", "0x80000000", "2147483648", "-2147483649",
                                   "0xffffffffffffffffff", "", "0x", "-", "visi", "0x51g", "0x-1");
  INFO(key);
  CHECK_THROWS_AS(key_of({"visits.key=" + key}), cli::ConfigError);
}

TEST_CASE("A key file's ftok is the key") {
  const support::Folder folder;
  const std::string file = folder.write("index.php", "<?php");
  CHECK(config({"visits.key_file=" + file}).counter.key == sysv::key_of_file(file));
}

TEST_CASE("A key wins over a key file, whichever comes first") {
  const support::Folder folder;
  const std::string file = "visits.key_file=" + folder.write("index.php", "<?php");
  CHECK(key_of({"visits.key=0x51e", file}) == 0x51e);
  CHECK(key_of({file, "visits.key=0x51e"}) == 0x51e);
}

TEST_CASE("A missing key file is refused with its name") {
  const support::Folder folder;
  const std::string missing = folder / "index.php";
  CHECK_THROWS_WITH(config({"visits.key_file=" + missing}),
                    support::contains(missing) && support::contains("No such file"));
}

TEST_CASE("An unknown directive is refused by its name") {
  CHECK_THROWS_AS(config({"pm.min_spare=1"}), cli::ConfigError);
  CHECK_THROWS_WITH(config({"pm.min_spare=1"}),
                    support::contains("there is no directive pm.min_spare,"));
  CHECK_THROWS_AS(config({"=1"}), cli::ConfigError);
  CHECK_THROWS_AS(config({"listen =/run/a"}), cli::ConfigError);
}

TEST_CASE("A directive without an equals sign is wrong usage") {
  CHECK_THROWS_AS(config({"listen"}), cli::UsageError);
  CHECK_THROWS_AS(parsed({"-d"}), cli::UsageError);
  CHECK_THROWS_AS(parsed({"-d", "-F"}), cli::UsageError);
}

TEST_CASE("An unknown option is wrong usage") {
  CHECK_THROWS_AS(parsed({"--daemonize"}), cli::UsageError);
  CHECK_THROWS_WITH(parsed({"serve"}), support::contains("no such option: serve"));
  CHECK_THROWS_AS(parsed({""}), cli::UsageError);
}

TEST_CASE("Help lists every directive with its default") {
  const std::string help = cli::help();
  for (const char* const line :
       {"listen = /run/visits.sock ", "listen.backlog = -1 ",
        "listen.owner = ", "listen.group = ", "listen.mode = 0660 ", "pm = static ",
        "pm.max_children = 4 ", "process_control_timeout = 20s ", "visits.key = 0x76697369 ",
        "visits.key_file = none ", "visits.access = 0600 "}) {
    CHECK_THAT(help, support::contains("\n  " + std::string(line)));
  }
}
