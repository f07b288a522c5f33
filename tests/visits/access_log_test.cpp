#include "visits/access_log.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

using visits::AccessLog;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

struct Sent {
  explicit Sent(std::vector<const char*> said = {}) : parameters(std::move(said)) {
    parameters.push_back(nullptr);
    request.parameters = parameters.data();
  }

  std::string line(AccessLog& log) {
    return std::string(log.line(
        {.request = request, .response = response, .begin = begin, .end = end, .count = count}));
  }
  std::string line(const std::string& format) {
    AccessLog log({.format = format});
    return line(log);
  }

  std::vector<const char*> parameters;
  http::Request request{.method = "GET", .target = "/a/b?x=1"};
  http::Response response{.body = "7 visits so far"};
  visits::Moment begin{.time = std::chrono::system_clock::time_point(1795422837s + 123456us)};
  visits::Moment end{.time = begin.time + 1500ms, .clock = 1500ms, .user = 300ms, .system = 150ms};
  std::optional<std::int64_t> count = 7;
};

// The process's time zone, until the end of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() {
    unsetenv("TZ");
    tzset();
  }
};

}  // namespace

TEST_CASE("The usual format shows who, when, what and how it went") {
  const Zone zone("UTC-1");
  Sent sent({"REMOTE_ADDR=192.0.2.1", "REMOTE_USER=ada"});
  CHECK(sent.line(AccessLog::Settings{}.format) ==
        "192.0.2.1 - ada 23/Nov/2026:09:33:57 +0100 \"GET /a/b\" 200\n");
}

TEST_CASE("Each token shows its own") {
  const Zone zone("UTC");
  Sent sent({"SCRIPT_FILENAME=/srv/a", "CONTENT_LENGTH=12", "HTTP_HOST=example.org"});
  CHECK(sent.line("%d %{seconds}d %{milli}d %{milliseconds}d %{micro}d") ==
        "1.500 1.500 1500.000 1500.000 1500000\n");
  CHECK(sent.line("%C %{user}C %{SYSTEM}C") == "30.00 20.00 10.00\n");
  CHECK(sent.line("%{HTTP_HOST}e %{NOPE}e %f %l") == "example.org - /srv/a 12\n");
  CHECK(sent.line("%m %n %r%Q%q %s 100%%") == "GET visits /a/b?x=1 200 100%\n");
  CHECK(sent.line("%p %P") == std::to_string(getpid()) + " " + std::to_string(getppid()) + "\n");
  CHECK(sent.line("%{%H:%M:%S}t %{%H:%M:%S}T") == "08:33:57 08:33:58\n");
  CHECK(sent.line("%{content-type}o, %{Content-Length}o, %{X-No}o") ==
        "text/html; charset=UTF-8, 15, -\n");
  CHECK(std::stoll(sent.line("%M")) / 1024 >= std::stoll(sent.line("%{kilo}M")));
}

TEST_CASE("What the web server does not say is a dash, and no query is nothing") {
  Sent sent;
  sent.request.target = "/";
  CHECK(sent.line("%R %u %f %l %Q%q|") == "- - - 0 |\n");
}

TEST_CASE("A format that cannot be meant is refused with a reason") {
  const auto refused = [](const std::string& format, const std::string& why) {
    CHECK_THROWS_WITH(AccessLog({.format = format}), "access.format: " + why);
  };
  refused("%s %X", "there is no token %X");
  refused("%s %", "it ends in the middle of a token");
  refused("%{x", "a { has no }");
  refused("%{x}", "it ends in the middle of a token");
  refused("%e", "%e needs the name of a parameter: %{HTTP_HOST}e");
  refused("%o", "%o needs the name of a header: %{Content-Type}o");
  refused("%{days}d",
          "%{days}d: there is only seconds, milliseconds, milli, miliseconds, mili, microseconds, "
          "micro");
  refused("%{idle}C", "%{idle}C: there is only total, user, system");
  refused("%{x}m", "%m takes nothing in braces");
  refused(std::string(1025, 'x'), "it is longer than 1024 bytes");
}

TEST_CASE("No name can end a line or a quoted string") {
  Sent sent({"REMOTE_USER=a\"\nb\\ \xff"});
  sent.request.target = "/\"\r\nx";
  CHECK(sent.line("\"%r\" \"%u\"") == R"("/\x22\x0D\x0Ax" "a\x22\x0Ab\x5C \xFF")"
                                      "\n");
}

TEST_CASE("As JSON a request is one object with the tokens' names") {
  Sent sent(
      {"REMOTE_ADDR=192.0.2.1", "REMOTE_USER=ada", "REQUEST_ID=5f", "TRACE=projects/p/traces/1"});
  CHECK(sent.line("json") ==
        R"({"time":"2026-11-23T08:33:57.123456Z","severity":"INFO","status":200,"method":"GET",)"
        R"("uri":"/a/b","query":"x=1","duration_ms":1500.000,"remote":"192.0.2.1","user":"ada",)"
        R"("pid":)" +
            std::to_string(getpid()) +
            R"(,"count":7,"request_id":"5f","logging.googleapis.com/trace":"projects/p/traces/1"})"
            "\n");
}

TEST_CASE("JSON leaves out what there is not, and escapes names") {
  Sent sent({"REMOTE_USER=\"\n\xff\xc3\xa4"});
  sent.count.reset();
  sent.response.status = 503;
  const std::string line = sent.line("json");
  CHECK_THAT(line, support::contains(R"("severity":"ERROR","status":503)"));
  CHECK_THAT(line, support::contains("\"user\":\"\\\"\\n\\\\xffä\""));
  CHECK_THAT(line, !support::contains("count") && !support::contains("request_id") &&
                       !support::contains("trace"));
}

TEST_CASE("However long the names are, a line is whole and within its limit") {
  const std::string target = "/" + std::string(60000, '\x01') + "?" + std::string(60000, '"');
  Sent sent;
  sent.request.target = target;
  for (const std::string format : {"json", "%r %q", "%r%r%r%r%r%r%r%r end"}) {
    const std::string line = sent.line(format);
    CHECK(line.size() <= AccessLog::longest_line);
    CHECK(line.back() == '\n');
    CHECK_THAT(line, support::contains("..."));
  }
  CHECK_THAT(sent.line("json"), Catch::Matchers::EndsWith("\"count\":7}\n"));
}

TEST_CASE("A name is not cut inside of a character") {
  std::string target = "/";
  while (target.size() < 30000) target += "€";
  Sent sent;
  sent.request.target = target;
  CHECK_THAT(sent.line("json"), support::contains("€...\"") && !support::contains("\\x"));
}

TEST_CASE("Only a successful look without query or body, at a suppressed path, is not logged") {
  AccessLog log({.format = "%r", .suppressed = {"/ping", "/a/b"}});
  const auto is_logged = [&](const char* method, std::string_view target, int status,
                             const char* length = "CONTENT_LENGTH=0") {
    Sent sent({length});
    sent.request.method = method;
    sent.request.target = target;
    sent.response.status = status;
    return !sent.line(log).empty();
  };
  CHECK_FALSE(is_logged("GET", "/ping", 200));
  CHECK_FALSE(is_logged("HEAD", "/a/b", 204));
  CHECK_FALSE(is_logged("GET", "/ping?", 200));
  CHECK(is_logged("POST", "/ping", 200));
  CHECK(is_logged("GET", "/ping?x", 200));
  CHECK(is_logged("GET", "/ping", 503));
  CHECK(is_logged("GET", "/ping/", 200));
  CHECK(is_logged("GET", "/ping", 200, "CONTENT_LENGTH=1"));
}

TEST_CASE("The buffer that lines are made in is made once") {
  AccessLog log({.format = "json"});
  const auto buffer_for = [&](const std::string& target) {
    Sent sent;
    sent.request.target = target;
    return log.line({.request = sent.request, .response = sent.response, .begin = {}, .end = {}})
        .data();
  };
  const char* const first = buffer_for("/");
  CHECK(buffer_for(std::string(2000, '"')) == first);
  CHECK(buffer_for(std::string(60000, '\x01')) == first);
}
