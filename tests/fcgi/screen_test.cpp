#include "fcgi/screen.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/records.hpp"

using fcgi::Screen;
using fcgi::Verdict;
using support::begin;
using support::get_request;
using support::KeepConnection;
using support::pair;
using support::params;
using support::record;
using support::Role;
using support::Type;

namespace {

Verdict verdict_on(const std::string& bytes) { return Screen().take(bytes); }

// What a request has before its body, with those bytes as its parameters.
std::string head(const std::string& content) {
  return begin(KeepConnection::yes) + record(Type::params, content) + record(Type::params, "");
}

std::string with(std::string bytes, std::size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

std::string padded(std::string record, std::size_t size) {
  return with(std::move(record), 6, static_cast<int>(size)) + std::string(size, '\x7f');
}

constexpr std::size_t version = 0;
constexpr std::size_t type = 1;
constexpr std::size_t id = 3;
constexpr std::size_t begin_size = 16;

}  // namespace

TEST_CASE("A whole request is sound, and no byte less of it") {
  const std::string request = begin(KeepConnection::yes) +
                              params({{"REQUEST_METHOD", "POST"}, {"EMPTY", ""}}) +
                              support::in("a body");
  CHECK(verdict_on(request) == Verdict::sound);
  for (std::size_t size = 0; size < request.size(); ++size) {
    CHECK(verdict_on(request.substr(0, size)) == Verdict::incomplete);
  }
}

TEST_CASE("Pieces do not matter") {
  const std::string request = get_request("/" + std::string(300, 'x'));
  Screen screen;
  CHECK_FALSE(screen.has_begun());
  for (const char byte : request) {
    REQUIRE(screen.verdict() == Verdict::incomplete);
    screen.take({&byte, 1});
    CHECK(screen.has_begun());
  }
  CHECK(screen.verdict() == Verdict::sound);
  Screen at_once;
  at_once.take(request);
  CHECK(screen.text() == at_once.text());
}

TEST_CASE("A sound request is passed on as it came, without its body") {
  Screen screen;
  const support::Parameters parameters{{"REQUEST_METHOD", "POST"}, {"A", std::string(500, 'b')}};
  screen.take(begin(KeepConnection::no) + params(parameters) + support::in("a body"));
  CHECK(screen.text() == begin(KeepConnection::no) + params(parameters) + support::in(""));
  CHECK(screen.id() == 1);
  CHECK_FALSE(screen.keeps());
}

TEST_CASE("Padding, and the cuts between records, are not passed on") {
  Screen screen;
  const std::string content = pair("REQUEST_METHOD", "GET") + pair("REQUEST_URI", "/");
  CHECK(screen.take(padded(begin(KeepConnection::yes), 5) +
                    padded(record(Type::params, content.substr(0, 7)), 255) +
                    padded(record(Type::params, content.substr(7)), 1) +
                    padded(record(Type::params, ""), 8) + padded(record(Type::in, "body"), 4) +
                    padded(record(Type::in, ""), 3)) == Verdict::sound);
  CHECK(screen.text() == head(content) + record(Type::in, ""));
}

TEST_CASE("A request may be without parameters") {
  Screen screen;
  const std::string request = begin(KeepConnection::yes) + params({}) + support::in("");
  CHECK(screen.take(request) == Verdict::sound);
  CHECK(screen.text() == request);
}

TEST_CASE("An id has two bytes, and the whole request has one") {
  std::string request;
  for (const std::string& part :
       {begin(KeepConnection::yes), record(Type::params, ""), record(Type::in, "")}) {
    request += with(with(part, 2, 0x12), 3, 0x34);
  }
  Screen screen;
  CHECK(screen.take(request) == Verdict::sound);
  CHECK(screen.id() == 0x1234);
  CHECK(screen.text() == request);
}

TEST_CASE("A verdict stays, whatever follows") {
  Screen sound;
  CHECK(sound.take(get_request("/")) == Verdict::sound);
  CHECK_FALSE(sound.has_surplus());
  CHECK(sound.take("GET / HTTP/1.1\r\n") == Verdict::sound);
  CHECK(sound.has_surplus());
  Screen rejected;
  CHECK(rejected.take("GET / HTTP/1.1\r\n") == Verdict::reject);
  CHECK(rejected.take(get_request("/")) == Verdict::reject);
}

TEST_CASE("What does not begin with a responder's BEGIN_REQUEST is rejected at its header") {
  const std::string sound = begin(KeepConnection::yes);
  CHECK(verdict_on(with(sound, version, 0).substr(0, 8)) == Verdict::reject);
  CHECK(verdict_on(with(sound, version, 2).substr(0, 8)) == Verdict::reject);
  CHECK(verdict_on(with(sound, id, 0).substr(0, 8)) == Verdict::reject);
  CHECK(verdict_on(record(Type::begin, "1234567").substr(0, 8)) == Verdict::reject);
  CHECK(verdict_on(record(Type::begin, "123456789").substr(0, 8)) == Verdict::reject);
  for (int other = 0; other < 256; ++other) {
    if (other == static_cast<int>(Type::begin)) continue;
    CHECK(verdict_on(with(sound, type, other).substr(0, 8)) == Verdict::reject);
  }
  CHECK(verdict_on(begin(KeepConnection::yes, Role::authorizer)) == Verdict::reject);
  CHECK(verdict_on(begin(KeepConnection::yes, Role::filter)) == Verdict::reject);
}

TEST_CASE("Within a request only its next stream's records are taken") {
  const std::string sound = begin(KeepConnection::yes) + params({{"A", "b"}}) + support::in("body");
  const std::size_t body = sound.size() - support::in("body").size();
  for (const std::size_t at : {begin_size, body}) {
    CHECK(verdict_on(with(sound, at + version, 2)) == Verdict::reject);
    CHECK(verdict_on(with(sound, at + id, 0)) == Verdict::reject);
    CHECK(verdict_on(with(sound, at + id, 2)) == Verdict::reject);
    for (int other = 0; other < 256; ++other) {
      if (other == sound[at + type]) continue;
      CHECK(verdict_on(with(sound, at + type, other)) == Verdict::reject);
    }
  }
}

TEST_CASE("An empty record of another request is not passed over") {
  CHECK(verdict_on(begin(KeepConnection::yes) + with(record(Type::params, ""), id, 2)) ==
        Verdict::reject);
}

TEST_CASE("Parameters that are no pairs to their last byte are rejected") {
  for (const std::string& content :
       {std::string("\x01"), std::string("\x01\x01") + "a", std::string("\x02\x00", 2) + "a",
        std::string("\x80"), std::string("\x80\x00\x00", 3), std::string("\x01\x80\x00\x00", 4),
        std::string("\xff\xff\xff\xfe\x01", 5), std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8),
        pair("A", "b") + "\x01", pair("A", "b") + std::string("\x00\x01", 2)}) {
    CHECK(verdict_on(head(content)) == Verdict::reject);
  }
}

TEST_CASE("A NUL byte in a parameter, or an = in a name, is rejected") {
  CHECK(verdict_on(head(pair(std::string("A\0B", 3), "b"))) == Verdict::reject);
  CHECK(verdict_on(head(pair("A", std::string("b\0", 2)))) == Verdict::reject);
  CHECK(verdict_on(head(pair("A=", "b"))) == Verdict::reject);
  CHECK(verdict_on(head(pair("A", "b=c"))) == Verdict::incomplete);
}

TEST_CASE("Parameters may have 65535 bytes in all, and one more is rejected at its header") {
  const std::string content = pair("A", std::string(65529, 'b'));
  REQUIRE(content.size() == Screen::most_parameters);
  const std::string sound = begin(KeepConnection::yes) + record(Type::params, content);
  CHECK(verdict_on(sound + record(Type::params, "") + support::in("")) == Verdict::sound);
  CHECK(verdict_on(sound + record(Type::params, "x").substr(0, 8)) == Verdict::reject);
}

TEST_CASE("A body may have 64 MiB, and one byte more is rejected at its header") {
  Screen screen;
  screen.take(begin(KeepConnection::yes) + params({}));
  const std::string part = record(Type::in, std::string(1U << 15U, 'x'));
  for (int i = 0; i < 2048; ++i) REQUIRE(screen.take(part) == Verdict::incomplete);
  Screen another = screen;
  CHECK(screen.take(record(Type::in, "")) == Verdict::sound);
  CHECK(another.take(record(Type::in, "x").substr(0, 8)) == Verdict::reject);
}

TEST_CASE("A body is kept byte for byte where bodies are kept, and nowhere else") {
  std::string body;
  for (int i = 0; i < 70'000; ++i) body += static_cast<char>(i * 7);
  const std::string request = begin(KeepConnection::yes) + params({{"A", "b"}}) + support::in(body);
  const auto piece = GENERATE(std::size_t{1}, std::size_t{4099}, std::size_t{1} << 20U);
  fcgi::Screen keeping(fcgi::Bodies::kept);
  fcgi::Screen dropping;
  for (std::size_t at = 0; at < request.size(); at += piece) {
    keeping.take(std::string_view(request).substr(at, piece));
    dropping.take(std::string_view(request).substr(at, piece));
  }
  CHECK(keeping.verdict() == Verdict::sound);
  CHECK(keeping.body() == body);
  CHECK(dropping.verdict() == Verdict::sound);
  CHECK(dropping.body().empty());
  CHECK(keeping.text() == dropping.text());
}
