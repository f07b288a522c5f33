#include "ctl/json.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

using ctl::from_json;
using ctl::NotJson;
using ctl::to_json;
using sysv::Array;
using sysv::Opaque;
using sysv::Value;

namespace {

// There and back, compared as PHP would: by the text, since NAN differs from itself.
bool survives(const Value& value) {
  return sysv::serialize(from_json(to_json(value))) == sysv::serialize(value);
}

}  // namespace

TEST_CASE("Plain values are plain JSON") {
  const std::vector<std::pair<Value, std::string>> cases = {
      {Value(), "null"},
      {true, "true"},
      {-5, "-5"},
      {INT64_MIN, "-9223372036854775808"},
      {0.1, "0.1"},
      {1.0, "1.0"},
      {"caf\xc3\xa9 \"x\"\n", "\"caf\xc3\xa9 \\\"x\\\"\\n\""},
      {Array(), "[]"},
      {Array::list({1, "a"}), "[1,\"a\"]"},
      {Array{{"b", 1}, {"a", Array::list({Value()})}}, R"({"b":1,"a":[null]})"},
      {Array{{1, 1}, {0, 2}}, R"({"1":1,"0":2})"}};
  for (const auto& [value, json] : cases) {
    CHECK(to_json(value) == json);
    CHECK(from_json(json) == value);
  }
}

TEST_CASE("What JSON has no form for is an object with one member") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<Value, std::string>> cases = {
      {infinity, R"({"php":"d:INF;"})"},
      {-infinity, R"({"php":"d:-INF;"})"},
      {std::nan(""), R"({"php":"d:NAN;"})"},
      {-0.0, R"({"php":"d:-0;"})"},
      {std::string("\xff\0", 2), R"({"hex":"ff00"})"},
      {Opaque{"E:3:\"A:B\";"}, R"({"php":"E:3:\"A:B\";"})"},
      {Opaque{"O:1:\"A\":1:{s:1:\"x\";s:1:\"\xff\";}"},
       R"({"php_hex":"4f3a313a2241223a313a7b733a313a2278223b733a313a22ff223b7d"})"},
      {Array{{"hex", "ff"}}, R"({"php":"a:1:{s:3:\"hex\";s:2:\"ff\";}"})"},
      {Array{{"\xff", 1}}, R"({"php_hex":"613a313a7b733a313a22ff223b693a313b7d"})"}};
  for (const auto& [value, json] : cases) {
    CHECK(to_json(value) == json);
    CHECK(survives(value));
  }
}

TEST_CASE("Every value survives the way to JSON and back") {
  for (const char* text :
       {"a:2:{i:0;R:1;i:1;r:1;}", "a:3:{i:1;i:1;s:2:\"01\";d:1.0E+25;s:0:\"\";a:0:{}}",
        "a:1:{s:3:\"php\";a:1:{s:7:\"php_hex\";b:0;}}", "d:5.0E-324;", "d:1.7976931348623157E+308;",
        "s:2:\"\x7f\xc2\";",
        "s:3:\"\xc2\x9b"
        "A\";",
        "a:2:{s:3:\"hex\";i:1;s:1:\"x\";i:2;}"}) {
    CAPTURE(text);
    const auto value = sysv::unserialize(text);
    REQUIRE(value.has_value());
    CHECK(survives(*value));
  }
}

TEST_CASE("No control character of a value reaches a terminal") {
  const std::string json = to_json(Value("\x1b[2J\x7f\xc2\x9b\xc3\xa9"));
  CHECK(json == "\"\\u001b[2J\\u007f\\u009b\xc3\xa9\"");
}

TEST_CASE("An indented document has a line for each member") {
  CHECK(to_json(Array{{"a", 1}}, ctl::Layout::indented) == "{\n  \"a\": 1\n}");
}

TEST_CASE("A text that is no value is refused with a reason") {
  for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "unexpected end"},
           {"hello", "parse error"},
           {"[1", "parse error"},
           {"1 2", "parse error"},
           {"\"\xff\"", "parse error"},
           {"9223372036854775808", "beyond 64 bits"},
           {"1e999", "number overflow"},
           {R"({"hex":"0"})", "hexadecimal"},
           {R"({"hex":"0g"})", "hexadecimal"},
           {R"({"php":"i:"})", "unserialize()"},
           {R"({"php_hex":"00"})", "unserialize()"},
           {std::string(5000, '[') + std::string(5000, ']'), "4096 arrays"}}) {
    CAPTURE(text);
    CHECK_THROWS_AS(from_json(text), NotJson);
    CHECK_THROWS_WITH(from_json(text), support::contains(reason));
  }
}
