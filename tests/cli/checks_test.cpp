#include "cli/checks.hpp"

#include "support/catch.hpp"
#include "support/folder.hpp"

namespace {

cli::CommandLine parsed(const std::vector<std::string>& assignments) {
  std::vector<const char*> words;
  for (const std::string& assignment : assignments) {
    words.insert(words.end(), {"-d", assignment.c_str()});
  }
  return cli::parse(words);
}

// What is wrong with these; empty: nothing.
std::string trouble(const std::vector<std::string>& assignments) try {
  cli::check_machine(parsed(assignments));
  return {};
} catch (const cli::ConfigError& error) {
  return error.what();
}

}  // namespace

TEST_CASE("Sizes of a dynamic pool that contradict each other are refused as php-fpm does") {
  const std::string dynamic = "pm=dynamic";
  CHECK(trouble({dynamic, "pm.max_children=3", "pm.max_spare_servers=4"}) ==
        "-d pm.max_spare_servers=4: these are more than pm.max_children, which is 3");
  CHECK(trouble({dynamic, "pm.max_children=3", "pm.min_spare_servers=4"}) ==
        "-d pm.min_spare_servers=4: these are more than pm.max_children, which is 3");
  CHECK(trouble({dynamic, "pm.min_spare_servers=3", "pm.max_spare_servers=2"}) ==
        "-d pm.max_spare_servers=2: these are fewer than pm.min_spare_servers, which is 3");
  CHECK(trouble({dynamic, "pm.max_children=9", "pm.start_servers=9"}) ==
        "-d pm.start_servers=9: pm.start_servers has to be from pm.min_spare_servers, which is 1, "
        "to pm.max_spare_servers, which is 3");
  CHECK(trouble({"process.max=3"}) ==
        "-d process.max=3: these are fewer than pm.max_children, which is 4");
}

TEST_CASE("The same sizes are nobody's business in a static pool") {
  CHECK(trouble({"pm=static", "pm.max_children=3", "pm.max_spare_servers=4", "pm.start_servers=9"})
            .empty());
}

TEST_CASE("An address that nobody can listen at is refused") {
  for (const char* address : {"somewhere", "", "127.0.0.1", "127.0.0.1:", "localhost:80", "65536",
                              "::1:80", "[::1]", "[x]:1", "1.2.3.4:99999"}) {
    INFO(address);
    CHECK_THAT(trouble({"listen=" + std::string(address)}), support::contains("not a /path"));
  }
  for (const char* address : {"9000", "127.0.0.1:0", "[::1]:9000", "/tmp/x.sock"}) {
    CHECK(trouble({"listen=" + std::string(address)}).empty());
  }
  CHECK_THAT(trouble({"listen=/tmp/" + std::string(200, 'x')}), support::contains("107 bytes"));
  CHECK_THAT(trouble({"listen=9000", "pm.status_listen=9000"}), support::contains("listen, too"));
}

TEST_CASE("Two pages of one path are refused, at the one that was given") {
  CHECK(trouble({"ping.path=/status"}) ==
        "-d ping.path=/status: this is the path of pm.status_path, too; each page needs its own");
  CHECK(trouble({"pm.status_path=/metrics"}) ==
        "-d pm.status_path=/metrics: this is the path of visits.metrics_path, too; each page needs "
        "its own");
  CHECK(trouble({"pm.status_path=", "ping.path="}).empty());
}

TEST_CASE("A letter of access.format that nobody knows is refused") {
  CHECK(trouble({"access.format=%R - %u %t \"%m %r%Q%q\" %s %{milliseconds}d %{HTTP_X}e %C%%"})
            .empty());
  for (const char* format : {"%z", "%", "a%", "%{x", "%{x}", "%{x}z"}) {
    INFO(format);
    CHECK_THAT(trouble({"access.format=" + std::string(format)}), support::contains("after % one"));
  }
}

TEST_CASE("A request cannot be slow only after its end") {
  CHECK_THAT(trouble({"request_slowlog_timeout=3s", "request_terminate_timeout=2s"}),
             support::contains("no request lives to be slow"));
  CHECK(trouble({"request_slowlog_timeout=3s"}).empty());
}

TEST_CASE("Users, groups and folders that this machine does not have are refused") {
  CHECK(trouble({"user=nobody-at-all"}) ==
        "-d user=nobody-at-all: no user is called nobody-at-all");
  CHECK_THAT(trouble({"listen.group=nobody-at-all"}),
             support::contains("no group is called nobody-at-all"));
  CHECK(trouble({"user=12345", "group=nogroup", "listen.owner=nobody"}).empty());
  const support::Folder folder;
  const std::string file = folder.write("file", "");
  for (const char* name :
       {"pid", "error_log", "access.log", "slowlog", "listen", "pm.status_listen"}) {
    INFO(name);
    CHECK_THAT(trouble({std::string(name) + "=/nowhere/x"}),
               support::contains("/nowhere/: No such file or directory"));
    CHECK_THAT(trouble({std::string(name) + "=" + folder.path().string()}),
               support::contains("is a folder"));
    CHECK(trouble({std::string(name) + "=" + folder / "x"}).empty());
  }
  CHECK_THAT(trouble({"chdir=/nowhere"}), support::contains("/nowhere: No such file"));
  CHECK_THAT(trouble({"chroot=" + file}), support::contains("is no folder"));
  CHECK(trouble({"chroot=/usr", "chdir=bin"}).empty());
  CHECK(trouble({"error_log=syslog"}).empty());
}
