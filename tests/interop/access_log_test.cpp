#include "visits/access_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "http/request.hpp"
#include "http/response.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

namespace {

// A php-fpm that writes its access log in that format, and answers one request.
std::string logged_by_php(const std::string& format, const support::Parameters& parameters) {
  const support::Folder folder;
  const bool is_root = geteuid() == 0;
  const std::string conf =
      folder.write("php-fpm.conf",
                   "[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n[visits]\nlisten = " +
                       folder / "php.sock" + "\npm = static\npm.max_children = 1\naccess.log = " +
                       folder / "access.log" + "\naccess.format = \"" + format + "\"\n" +
                       (is_root ? "user = root\ngroup = root\n" : ""));
  folder.write("page.php", "<?php header('Content-Type: text/html; charset=UTF-8'); echo 'x';");
  const support::Program fpm(
      {"sh", "-c", "exec $(ls /usr/sbin/php-fpm* | sort | tail -n 1) -F -y \"$1\" $2", "sh", conf,
       is_root ? "-R" : "-F"},
      folder / "php-fpm.log");
  if (!support::eventually([&] { return support::is_listening(folder / "php.sock"); })) return "";
  support::Parameters all = parameters;
  all.emplace_back("SCRIPT_FILENAME", folder / "page.php");
  const os::Descriptor connection = support::connection_to(folder / "php.sock");
  support::send(connection.get(), support::begin(support::KeepConnection::no) +
                                      support::params(all) + support::in(""));
  support::answer_on(connection.get());
  support::eventually([&] { return !support::contents_of(folder / "access.log").empty(); });
  return support::contents_of(folder / "access.log");
}

std::string logged_by_us(const std::string& format, const support::Parameters& parameters) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : parameters) pairs.push_back(name + "=" + value);
  std::vector<const char*> said;
  for (const std::string& pair : pairs) said.push_back(pair.c_str());
  said.push_back(nullptr);
  http::Request request{.method = "GET", .target = "/page.php?x=1&y=2", .parameters = said.data()};
  const http::Response response{.body = "x"};
  visits::AccessLog log({.format = format});
  const visits::Moment now = visits::Moment::now();
  return std::string(
      log.line({.request = request, .response = response, .begin = now, .end = now}));
}

const support::Parameters parameters = {
    {"REQUEST_METHOD", "GET"},    {"REQUEST_URI", "/page.php?x=1&y=2"},
    {"SCRIPT_NAME", "/page.php"}, {"QUERY_STRING", "x=1&y=2"},
    {"CONTENT_LENGTH", "0"},      {"HTTP_HOST", "example.org"},
    {"REMOTE_USER", "ada"},       {"HTTP_AUTHORIZATION", "Basic YWRhOng="}};

// Numbers that differ from run to run.
std::string masked(const std::string& line) {
  return std::regex_replace(line, std::regex(R"(\d+)"), "N");
}

}  // namespace

TEST_CASE("A line of the access log is the one that php-fpm writes, token by token") {
  const std::string format =
      "%R - %u %t '%m %r%Q%q' %s|%n|%l|%{HTTP_HOST}e|%{HTTP_NOPE}e|%{X-Nope}o|%{%Y-%m-%d}T|%%";
  CHECK(masked(logged_by_us(format, parameters)) == masked(logged_by_php(format, parameters)));
}

TEST_CASE("What is measured has the form that php-fpm gives it") {
  const std::string format =
      "%d %{seconds}d %{milliseconds}d %{micro}d %C %{user}C %{system}C %M %{kilo}M %{mega}M %p %P";
  CHECK(masked(logged_by_us(format, parameters)) == masked(logged_by_php(format, parameters)));
}

TEST_CASE("Each format that we refuse php-fpm refuses, too") {
  const support::Folder folder;
  for (const std::string format : {"%X", "%{x", "%{days}d", "%{idle}C", "%{giga}M", "%e", "%o"}) {
    CAPTURE(format);
    CHECK_THROWS(visits::AccessLog({.format = format}));
    const std::string conf = folder.write(
        "php-fpm.conf",
        "[global]\nerror_log = /proc/self/fd/2\n[visits]\nlisten = " + folder / "php.sock" +
            "\nuser = nobody\npm = static\npm.max_children = 1\n"
            "access.log = " +
            folder / "access.log" + "\naccess.format = \"" + format + "\"\n");
    CHECK(support::run({"sh", "-c", "exec $(ls /usr/sbin/php-fpm* | sort | tail -n 1) -t -y \"$1\"",
                        "sh", conf})
              .code == 78);
  }
}
