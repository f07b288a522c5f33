#include <algorithm>
#include <cctype>
#include <chrono>
#include <regex>
#include <string>
#include <vector>

#include "http/response.hpp"
#include "os/listener.hpp"
#include "support/catch.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/hex.hpp"
#include "support/records.hpp"
#include "support/site.hpp"
#include "visits/activity.hpp"
#include "visits/attendant.hpp"

namespace {

constexpr const char* directives = "pm.status_path = /status\nping.path = /ping\n";

// What a client of FastCGI gets for a path and a query: headers, an empty line, body.
std::string ask_fpm(const support::Folder& folder, const std::string& path,
                    const std::string& query, const std::string& method = "GET") {
  const auto fd = support::connection_to(folder / "php.sock");
  support::send(fd.get(), support::begin(support::KeepConnection::no) +
                              support::params({{"SCRIPT_NAME", path},
                                               {"SCRIPT_FILENAME", path},
                                               {"REQUEST_METHOD", method},
                                               {"REQUEST_URI", path + "?" + query},
                                               {"QUERY_STRING", query}}) +
                              support::in(""));
  return support::answer_on(fd.get()).value_or("no answer");
}

// Our pool in the state in which php-fpm's is while it answers: one worker, busy with that request.
struct Pool {
  support::Folder folder;
  os::Listener listener{{.address = folder / "visits.sock"}};
  prefork::Scoreboard scoreboard{1};
  visits::Statistics statistics{1};
  visits::Attendant attendant{{scoreboard, statistics, listener.fd()}, {.name = "www"}, {}};

  std::string ask(const std::string& path, const std::string& query) {
    visits::ActivityBytes bytes;
    prefork::Slot& slot = scoreboard[0];
    const auto now = visits::view::Moment::now();
    slot.pid = 1234;
    slot.started_at = now.realtime.count();
    scoreboard.pool().started_at = now.realtime.count();
    slot.busy_since = now.monotonic.count();
    slot.stage = prefork::Slot::Stage::busy;
    slot.note.write(visits::encode({.method = "GET", .uri = path, .query = query}, bytes));
    const std::string target = path + "?" + query;
    return http::cgi_text(attendant.answer({.method = "GET", .target = target}));
  }
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

// Everything but the numbers, and the date.
std::string shape_of(const std::string& body) {
  const std::regex date("[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}");
  const std::regex fraction("[0-9]+\\.[0-9]{2}");
  const std::regex number("[0-9]+");
  const std::string dated = std::regex_replace(body, date, "DATE");
  return std::regex_replace(std::regex_replace(dated, fraction, "N.NN"), number, "N");
}

// The header lines in order of their names, which are written in small letters.
std::vector<std::string> headers_of(const std::string& answer) {
  std::vector<std::string> headers;
  for (std::string line : support::lines_of(answer.substr(0, answer.find("\r\n\r\n") + 2))) {
    const auto name_end = line.begin() + static_cast<std::ptrdiff_t>(line.find(':'));
    std::transform(line.begin(), name_end, line.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    headers.push_back(line);
  }
  std::sort(headers.begin(), headers.end());
  return headers;
}

bool includes(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

TEST_CASE_METHOD(Pool, "Every status page is php-fpm's but for its numbers, headers and all") {
  const support::PhpFpm fpm(folder, 1, directives);
  for (const char* query : {"", "full", "json", "json&full", "xml", "xml&full", "html", "html&full",
                            "openmetrics", "openmetrics&full", "html&xml&json&openmetrics",
                            "json&openmetrics", "full&z=%22<\"&>/\\'"}) {
    CAPTURE(query);
    const std::string theirs = ask_fpm(folder, "/status", query);
    const std::string ours = ask("/status", query);
    REQUIRE(theirs.size() > 200);
    CHECK(shape_of(body_of(ours)) == shape_of(body_of(theirs)));
    CHECK(includes(headers_of(ours), headers_of(theirs)));
  }
}

TEST_CASE_METHOD(Pool, "A request with all that needs escaping is shown as php-fpm shows it") {
  const support::PhpFpm fpm(folder, 1, directives);
  for (const char* format : {"json", "xml", "html"}) {
    const std::string query = std::string(format) + "&full&z=<b>\"q\"\\/'&amp;";
    const std::string theirs = ask_fpm(folder, "/status", query);
    CHECK(shape_of(body_of(ask("/status", query))) == shape_of(body_of(theirs)));
  }
}

TEST_CASE_METHOD(Pool, "A ping is php-fpm's, headers and all") {
  const support::PhpFpm fpm(folder, 1, directives);
  const std::string theirs = ask_fpm(folder, "/ping", "");
  const std::string ours = ask("/ping", "");
  CHECK(body_of(ours) == body_of(theirs));
  CHECK(includes(headers_of(ours), headers_of(theirs)));
}

// The fields and types that github.com/hipages/php-fpm_exporter reads (phpfpm.go), and the two
// states that it knows.
TEST_CASE_METHOD(Pool, "php-fpm_exporter finds every field that it reads, in the type it expects") {
  const std::string page = body_of(ask("/status", "json&full"));
  const std::string types =
      support::php("$page = json_decode(hex2bin('" + support::hex(page) +
                   "'), true, 512, JSON_THROW_ON_ERROR);"
                   "foreach ($page as $name => $value) echo $name, ': ', gettype($value), \"\\n\";"
                   "foreach ($page['processes'][0] as $name => $value)"
                   "  echo 'process ', $name, ': ', gettype($value), \"\\n\";");
  CHECK(types ==
        "pool: string\nprocess manager: string\nstart time: integer\nstart since: integer\n"
        "accepted conn: integer\nlisten queue: integer\nmax listen queue: integer\n"
        "listen queue len: integer\nidle processes: integer\nactive processes: integer\n"
        "total processes: integer\nmax active processes: integer\n"
        "max children reached: integer\nslow requests: integer\nprocesses: array\n"
        "process pid: integer\nprocess state: string\nprocess start time: integer\n"
        "process start since: integer\nprocess requests: integer\n"
        "process request duration: integer\nprocess request method: string\n"
        "process request uri: string\nprocess content length: integer\nprocess user: string\n"
        "process script: string\nprocess last request cpu: double\n"
        "process last request memory: integer\n");
  CHECK_THAT(page, support::contains("\"state\":\"Running\""));
  scoreboard[0].idle_since = scoreboard[0].busy_since + 1;
  scoreboard[0].stage = prefork::Slot::Stage::idle;
  CHECK_THAT(attendant.answer({.method = "GET", .target = "/status?json&full"}).body,
             support::contains("\"state\":\"Idle\""));
}
