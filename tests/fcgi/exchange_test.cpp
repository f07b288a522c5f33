#include "fcgi/exchange.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"

using fcgi::Keep;
using Heard = fcgi::Exchange::Heard;
using support::answer_on;
using support::begin;
using support::ends;
using support::get_request;
using support::KeepConnection;
using support::pair;
using support::params;
using support::record;
using support::Type;

namespace {

// An exchange with a web server, which is the test.
struct Talk {
  os::Descriptor web_server;
  fcgi::Codec codec;
  std::unique_ptr<fcgi::Screen> spare{};
  std::optional<fcgi::Exchange> exchange{};
  std::vector<std::string> asked{};  // what the handler was asked, as "GET /target"

  Talk() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const timeval limit{.tv_sec = 0, .tv_usec = 200'000};
    setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    exchange.emplace(os::Descriptor(ends[0]), fcgi::Bodies::dropped, spare);
    web_server = os::Descriptor(ends[1]);
  }

  void send(const std::string& bytes) const { support::send(web_server.get(), bytes); }
  void hang_up() const { shutdown(web_server.get(), SHUT_WR); }

  // Takes all that has arrived.
  Heard hear() {
    Heard last = Heard::nothing;
    for (;;) {
      const Heard now = exchange->hear();
      if (now == Heard::nothing) return last;
      if (now != Heard::part) return now;
      last = now;
    }
  }

  void handle(const http::Request& request, http::Response& response) {
    asked.push_back(std::string(request.method) + " " + std::string(request.target));
    response.body = "answer " + std::to_string(asked.size());
  }

  // Whether the connection stays.
  bool serve(Keep keep = Keep::yes) {
    const bool stays = hear() == Heard::request &&
                       exchange->answer(
                           codec, [this](auto& request, auto& to) { handle(request, to); }, keep);
    if (!stays) exchange.reset();
    return stays;
  }

  // The end of a connection on which the handler was asked nothing.
  void check_dropped() {
    CHECK(hear() == Heard::end);
    CHECK(asked.empty());
  }
};

std::string two_pairs() { return pair("REQUEST_METHOD", "GET") + pair("REQUEST_URI", "/cut"); }

}  // namespace

TEST_CASE_METHOD(Talk, "A request is answered with the handler's response") {
  send(get_request("/a/b?x=1"));
  CHECK(serve());
  CHECK(asked == std::vector<std::string>{"GET /a/b?x=1"});
  CHECK(answer_on(web_server.get()) == http::cgi_text({.body = "answer 1"}));
}

TEST_CASE_METHOD(Talk, "Two requests follow each other on a kept connection") {
  send(get_request("/first"));
  CHECK(serve());
  CHECK(answer_on(web_server.get()) == http::cgi_text({.body = "answer 1"}));
  send(get_request("/second"));
  CHECK(serve());
  CHECK(answer_on(web_server.get()) == http::cgi_text({.body = "answer 2"}));
  CHECK(asked == std::vector<std::string>{"GET /first", "GET /second"});
}

TEST_CASE_METHOD(Talk, "A connection that the web server does not keep ends with its answer") {
  send(get_request("/", KeepConnection::no));
  CHECK_FALSE(serve());
  CHECK(answer_on(web_server.get()));
  CHECK(ends(web_server.get()));
}

TEST_CASE_METHOD(Talk, "A connection that is not to be kept ends with its answer") {
  send(get_request("/"));
  CHECK_FALSE(serve(Keep::no));
  CHECK(answer_on(web_server.get()));
  CHECK(ends(web_server.get()));
}

TEST_CASE_METHOD(Talk, "An exchange that goes away closes its connection") {
  send(get_request("/"));
  CHECK(serve());
  CHECK(answer_on(web_server.get()));
  exchange.reset();
  CHECK(ends(web_server.get()));
}

TEST_CASE_METHOD(Talk, "An answer comes whole, however long it is") {
  const std::string body(100'000, 'x');
  send(get_request("/"));
  REQUIRE(hear() == Heard::request);
  CHECK(exchange->answer(
      codec, [&](const http::Request&, http::Response& response) { response.body = body; },
      Keep::yes));
  CHECK(answer_on(web_server.get()) == http::cgi_text({.body = body}));
}

TEST_CASE_METHOD(Talk, "Parameters arrive whole, in however many records") {
  const std::string target = "/" + std::string(60'000, 'x');
  const std::string content = pair("REQUEST_METHOD", "GET") + pair("REQUEST_URI", target);
  send(begin(KeepConnection::yes));
  for (std::size_t at = 0; at < content.size(); at += 1000) {
    send(record(Type::params, content.substr(at, 1000)));
  }
  send(record(Type::params, "") + support::in(""));
  CHECK(serve());
  CHECK(asked == std::vector<std::string>{"GET " + target});
}

TEST_CASE_METHOD(Talk, "Parameters that are cut between two pairs never reach the handler") {
  send(begin(KeepConnection::yes));
  SECTION("at the end of a record") { send(record(Type::params, two_pairs())); }
  SECTION("within a record") {
    send(record(Type::params, two_pairs() + pair("CUT", "off")).substr(0, 8 + two_pairs().size()));
  }
  SECTION("before the first") {}
  hang_up();
  check_dropped();
}

TEST_CASE_METHOD(Talk, "Parameters that are cut within a pair never reach the handler") {
  const std::size_t cut = GENERATE(1U, 2U, 5U, 16U);
  const std::string content = two_pairs();
  send(begin(KeepConnection::yes));
  SECTION("by the end of the connection") {
    send(record(Type::params, content).substr(0, 8 + content.size() - cut));
    hang_up();
  }
  SECTION("by the end of the stream") {
    send(record(Type::params, content.substr(0, content.size() - cut)) + record(Type::params, "") +
         support::in(""));
  }
  check_dropped();
}

TEST_CASE_METHOD(Talk, "A request that comes byte by byte is answered when the last is there") {
  const std::string request = get_request("/slow");
  for (std::size_t i = 0; i + 1 < request.size(); ++i) {
    send(request.substr(i, 1));
    REQUIRE(hear() == Heard::part);
    CHECK(hear() == Heard::nothing);
  }
  CHECK_FALSE(exchange->is_idle());
  send(request.substr(request.size() - 1));
  CHECK(serve());
  CHECK(exchange->is_idle());
  CHECK(asked == std::vector<std::string>{"GET /slow"});
  CHECK(answer_on(web_server.get()) == http::cgi_text({.body = "answer 1"}));
}

TEST_CASE_METHOD(Talk, "Bytes of a body that look like a request are not taken for one") {
  const std::string head =
      begin(KeepConnection::yes) + params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/upload"}});
  constexpr std::size_t libfcgi_reads_at_once = 8192;
  const std::string padding(libfcgi_reads_at_once - head.size() - 8, 'x');
  send(head + support::in(padding + get_request("/forged") + std::string(20'000, 'x')));
  CHECK(serve());
  CHECK(answer_on(web_server.get()));
  send(get_request("/next"));
  CHECK(serve());
  CHECK(answer_on(web_server.get()));
  CHECK(asked == std::vector<std::string>{"POST /upload", "GET /next"});
}

TEST_CASE_METHOD(Talk, "A body of many records is read to its end") {
  std::string body;
  for (int i = 0; i < 100; ++i) body += record(Type::in, std::string(1000, 'x'));
  send(begin(KeepConnection::yes) +
       params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/upload"}}) + body +
       record(Type::in, ""));
  CHECK(serve());
  CHECK(asked.size() == 1);
  CHECK_FALSE(exchange->has_news());
}

TEST_CASE_METHOD(Talk, "Each of two requests on a connection is handled with its own body") {
  exchange.emplace(os::Descriptor(dup(exchange->fd())), fcgi::Bodies::kept, spare);
  for (const std::string body : {"the first body", "the second"}) {
    send(begin(KeepConnection::yes) +
         params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/upload"}}) + support::in(body));
    REQUIRE(hear() == Heard::request);
    std::string seen;
    exchange->answer(
        codec, [&](const http::Request& request, http::Response&) { seen = request.body; },
        Keep::yes);
    CHECK(seen == body);
    CHECK(answer_on(web_server.get()));
  }
}

TEST_CASE_METHOD(Talk, "A body that is cut short never reaches the handler") {
  send(begin(KeepConnection::yes) + params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/"}}));
  SECTION("before it began") { hang_up(); }
  SECTION("between two records") {
    send(record(Type::in, "half of it"));
    hang_up();
  }
  SECTION("within a record") {
    send(record(Type::in, std::string(30'000, 'x')).substr(0, 20'000));
    hang_up();
  }
  SECTION("by the web server's word") {
    send(record(Type::in, "half of it") + record(Type::abort, ""));
  }
  check_dropped();
}

TEST_CASE_METHOD(Talk, "A request without its method or its target gets a 400, and nothing else") {
  const auto parameters = GENERATE(
      support::Parameters{{"REQUEST_METHOD", "GET"}}, support::Parameters{{"REQUEST_URI", "/"}},
      support::Parameters{{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", ""}}, support::Parameters{});
  send(begin(KeepConnection::yes) + params(parameters) + support::in(""));
  CHECK(serve());
  CHECK(asked.empty());
  CHECK_THAT(answer_on(web_server.get()).value_or(""),
             support::contains("Status: 400 Bad Request\r\n"));
}

TEST_CASE_METHOD(Talk, "A request for another role never reaches the handler") {
  const auto role = GENERATE(support::Role::authorizer, support::Role::filter);
  send(begin(KeepConnection::yes, role) +
       params({{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/"}}) + support::in(""));
  check_dropped();
}

TEST_CASE_METHOD(Talk, "What is not FastCGI at all ends the connection") {
  send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  check_dropped();
}

TEST_CASE_METHOD(Talk, "A web server that closes a kept connection ends it") {
  send(get_request("/"));
  CHECK(serve());
  CHECK(answer_on(web_server.get()));
  hang_up();
  CHECK_FALSE(serve());
  CHECK(asked.size() == 1);
}

TEST_CASE_METHOD(Talk,
                 "A connection on which more was sent than one request ends with its answer") {
  send(get_request("/first") + get_request("/ahead"));
  CHECK_FALSE(serve());
  CHECK(asked == std::vector<std::string>{"GET /first"});
  CHECK(answer_on(web_server.get()));
  CHECK(ends(web_server.get()));
}

TEST_CASE_METHOD(Talk, "A web server that has gone, or takes no answers, is not waited for") {
  send(get_request("/"));
  REQUIRE(hear() == Heard::request);
  CHECK(exchange->is_waited_for());
  SECTION("it closed") { web_server.close(); }
  SECTION("it sends nothing more") { hang_up(); }
  SECTION("former answers fill its buffer") {
    const std::string bytes(1000, 'x');
    while (::send(exchange->fd(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) continue;
  }
  CHECK_FALSE(exchange->is_waited_for());
}

TEST_CASE_METHOD(Talk, "A web server that does not take its answer keeps nobody waiting for long") {
  send(get_request("/"));
  REQUIRE(hear() == Heard::request);
  CHECK_FALSE(exchange->answer(
      codec,
      [](const http::Request&, http::Response& response) { response.body.assign(8'000'000, 'x'); },
      Keep::yes));
}
