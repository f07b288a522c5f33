#include "cli/config.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/dump.hpp"
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

struct Files {
  support::Folder folder;

  cli::CommandLine read(const std::string& text,
                        const std::vector<const char*>& more = {"-R"}) const {
    const std::string file = folder.write("a.conf", text);
    std::vector<const char*> words = {"-y", file.c_str()};
    words.insert(words.end(), more.begin(), more.end());
    return cli::parse(words);
  }

  std::string place(int line) const { return folder / "a.conf:" + std::to_string(line) + ": "; }
};

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

TEST_CASE("A value that cannot be meant is refused, with the directive in the message") {
  const std::string assignment =
      GENERATE("listen.backlog=-2", "listen.backlog=many", "listen.backlog=65536", "listen.mode=8",
               "listen.mode=1000", "listen.mode=-1", "listen.mode=rw", "pm=elastic",
               "pm=", "pm.max_children=0", "pm.max_children=-4", "pm.max_children=10001",
               "pm.max_children=4x", "pm.max_children=", "visits.access=0888");
  INFO(assignment);
  CHECK_THROWS_AS(config({assignment}), cli::ConfigError);
  CHECK_THROWS_WITH(config({assignment}), support::contains("-d " + assignment + ": "));
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
  CHECK_THROWS_AS(config({"visits.key=0x51e", "visits.key_file=" + missing}), cli::ConfigError);
  CHECK_THROWS_WITH(config({"visits.key_file=" + missing}),
                    support::contains(missing) && support::contains("No such file"));
}

TEST_CASE("An unknown directive is refused by its name") {
  CHECK_THROWS_AS(config({"pm.min_spare=1"}), cli::ConfigError);
  CHECK_THROWS_WITH(config({"pm.min_spare=1"}),
                    support::contains("there is no directive pm.min_spare, did you mean "
                                      "pm.min_spare_servers?"));
  CHECK_THROWS_AS(config({"=1"}), cli::ConfigError);
  CHECK_THROWS_AS(config({"listen =/run/a"}), cli::ConfigError);
}

TEST_CASE("A directive without an equals sign is wrong usage") {
  CHECK_THROWS_AS(config({"listen"}), cli::UsageError);
  CHECK_THROWS_AS(parsed({"-d"}), cli::UsageError);
  CHECK_THROWS_AS(parsed({"-d", "-F"}), cli::UsageError);
}

TEST_CASE("An unknown option is wrong usage") {
  CHECK_THROWS_WITH(parsed({"serve"}), support::contains("no such option: serve"));
  CHECK_THROWS_AS(parsed({""}), cli::UsageError);
}

TEST_CASE("Help lists every directive with its default") {
  const std::string help = cli::help();
  for (const char* const line :
       {"listen = /run/visits.sock ", "listen.backlog = -1 ",
        "listen.owner = ", "listen.group = ", "listen.mode = 0660 ", "pm = static ",
        "pm.max_children = 4 ", "process_control_timeout = 20s ", "visits.key = 0x76697369 ",
        "visits.key_file = ", "visits.access = 0600 "}) {
    CHECK_THAT(help, support::contains("\n  " + std::string(line)));
  }
}

TEST_CASE("Test and dump are wishes, and -F and -D win over daemonize") {
  CHECK(parsed({"-t"}).wish == cli::Wish::test);
  CHECK(parsed({"-tt"}).wish == cli::Wish::dump);
  CHECK(parsed({}).config.daemonize);
  CHECK_FALSE(parsed({"-F"}).config.daemonize);
  CHECK_FALSE(parsed({"-d", "daemonize=no"}).config.daemonize);
  CHECK(parsed({"-D", "-d", "daemonize=no"}).config.daemonize);
}

TEST_CASE_METHOD(Files,
                 "A directive of the command line wins over the file's, wherever it stands") {
  const std::string text = "[www]\npm.max_children = 5\nlisten = 9000\n";
  const cli::Config made = read(text, {"-R", "-d", "pm.max_children=7"}).config;
  CHECK(made.pool.max_children == 7);
  CHECK(made.endpoint.address == "9000");
  CHECK(made.pool.name == "www");
  const std::string file = folder / "a.conf";
  CHECK(parsed({"-R", "-d", "pm.max_children=7", "-y", file.c_str()}).config.pool.max_children ==
        7);
}

TEST_CASE_METHOD(Files, "What was dumped stands for the file, the directives and the key file") {
  const std::string key_file = folder.write("key", "");
  const std::vector<const char*> words = {"-R", "-F",      "-y", "/no/such/file",
                                          "-d", "pm=none", "--", "nginx"};
  const std::string text =
      cli::dump(read("[shop]\npm.max_children = 7\nvisits.key_file = " + key_file +
                     "\nprefix = " + folder.path().string() + "\naccess.log = log\n")
                    .config);
  const sysv::Key key = sysv::key_of_file(key_file);
  std::filesystem::remove(key_file);
  const cli::CommandLine command = cli::parse(words, folder.write("dumped", text));
  CHECK(cli::dump(command.config) == [&] {
    std::string foreground = text;
    const auto at = foreground.find("daemonize = yes");
    return foreground.replace(at, 15, "daemonize = no");
  }());
  CHECK(command.config.counter.key == key);
  CHECK(command.front == std::vector<std::string>{"nginx"});
}

TEST_CASE_METHOD(Files, "What is wrong in a file is told with file, line and directive") {
  CHECK_THROWS_WITH(read("[www]\n\npm.max_children = x\n"),
                    place(3) + "pm.max_children: a whole number from 1 to 10000 is needed");
  CHECK_THROWS_WITH(read("[www]\npm.max_childern = 1\n"),
                    place(2) +
                        "pm.max_childern: there is no directive pm.max_childern, did you "
                        "mean pm.max_children?");
  CHECK_THROWS_WITH(read("[www]\nphp_flag[x] = on\n"),
                    place(2) + "php_flag[x]: no PHP runs here; remove the line");
  CHECK_THROWS_WITH(read("[www]\npm = dynamic\npm.start_servers = 4\n"),
                    support::contains(place(3) + "pm.start_servers: "));
  CHECK_THROWS_WITH(read("[www]\nvisits.key_file = /nowhere\n"),
                    support::contains(place(2) + "visits.key_file: No such file"));
}

TEST_CASE_METHOD(Files, "A second pool is refused, and a pool that goes on is not") {
  CHECK_THROWS_WITH(
      read("[a]\n[global]\n[b]\n"),
      support::contains(place(3) + "[b]: a second pool, after [a] of " + folder / "a.conf:1"));
  CHECK(read("[a]\npm.max_children = 2\n[global]\n[a]\nlisten = 9000\n").config.endpoint.address ==
        "9000");
  CHECK_THROWS_WITH(read("[global]\npid = /p\n"), support::contains("there is no pool in it"));
}

TEST_CASE_METHOD(Files, "Root needs a user in its file, or -R, and is warned in any case") {
  if (support::lacks_root()) return;
  CHECK_THROWS_WITH(read("[www]\n", {}),
                    support::contains(place(1) + "user: workers would be root"));
  CHECK_THROWS_WITH(read("[www]\nuser = root\n", {}), support::contains(place(2) + "user: "));
  CHECK(read("[www]\n", {"-R"}).warnings.size() == 1);
  CHECK(parsed({}).warnings.size() == 1);
  CHECK(read("[www]\nuser = nobody\n", {}).warnings.empty());
}

TEST_CASE_METHOD(Files, "Who wants time limits after the answer is told that nothing runs there") {
  const std::string name = "request_terminate_timeout_track_finished";
  const auto warnings = read("[www]\nuser = nobody\n" + name + " = yes\n").warnings;
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        place(3) + name + ": this changes nothing, nothing runs after an answer here");
  CHECK(read("[www]\nuser = nobody\n" + name + " = no\n").warnings.empty());
}

TEST_CASE_METHOD(Files, "Relative paths begin at the prefix, which begins at -p") {
  const cli::Config made =
      read(
          "[global]\npid = v.pid\nerror_log = v.log\n[www]\nprefix = pools/$pool\nlisten = v.sock\n"
          "access.log = a.log\nslowlog = /s.log\nchroot = root\nchdir = in\npm.status_listen = "
          "9001\n",
          {"-R", "-p", "/top"})
          .config;
  CHECK(made.pid_file == "/top/v.pid");
  CHECK(made.error_log.file == "/top/v.log");
  CHECK(made.endpoint.address == "/top/pools/www/v.sock");
  CHECK(made.access_log.file == "/top/pools/www/a.log");
  CHECK(made.slow_log == "/s.log");
  CHECK(made.confinement.chroot == "/top/pools/www/root");
  CHECK(made.confinement.chdir == "/in");
  CHECK(made.status.listen == "9001");
}

TEST_CASE("A dynamic pool that was told little has sizes that agree") {
  const auto sizes = [](const std::vector<std::string>& assignments) {
    const prefork::Limits pool = config(assignments).pool;
    return std::vector<int>{pool.min_spare_servers, pool.start_servers, pool.max_spare_servers};
  };
  CHECK(sizes({"pm=dynamic", "pm.max_children=1"}) == std::vector<int>{1, 1, 1});
  CHECK(sizes({"pm=dynamic", "pm.max_children=9"}) == std::vector<int>{1, 2, 3});
  CHECK(sizes({"pm=dynamic", "pm.max_children=9", "pm.min_spare_servers=5"}) ==
        std::vector<int>{5, 5, 5});
  CHECK(sizes({"pm=dynamic", "pm.max_children=20", "pm.max_spare_servers=11"}) ==
        std::vector<int>{1, 6, 11});
}
