#include "sysv/unserializer.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "sysv/serializer.hpp"

using sysv::Array;
using sysv::Opaque;
using sysv::serialize;
using sysv::unserialize;
using sysv::Value;

namespace {

using Double = std::numeric_limits<double>;

std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

// Read in place, with nothing behind it: address sanitizer sees a read past its end.
std::optional<Value> read_alone(const std::string& text) {
  const auto bytes = std::make_unique<char[]>(text.size());
  text.copy(bytes.get(), text.size());
  return unserialize({bytes.get(), text.size()});
}

const std::vector<std::string> every_kind = {
    "N;",
    "b:1;",
    "i:-42;",
    "d:0.1;",
    "d:-1.0E+25;",
    "d:-INF;",
    "s:9:\"say \"hi\";\";",
    "S:3:\"a\\62c\";",
    "a:0:{}",
    "a:2:{i:0;i:1;s:1:\"x\";a:1:{i:5;N;}}",
    "O:8:\"stdClass\":1:{s:1:\"a\";a:1:{i:0;O:1:\"P\":0:{}}}",
    "C:1:\"P\":3:{}};}",
    "E:3:\"E:A\";",
    "a:3:{i:0;r:1;i:1;R:2;i:2;N;}",
};

}  // namespace

TEST_CASE("Every kind of value is read") {
  CHECK(unserialize("N;") == Value());
  CHECK(unserialize("b:1;") == Value(true));
  CHECK(unserialize("b:0;") == Value(false));
  CHECK(unserialize("i:-5;") == Value(-5));
  CHECK(unserialize("d:-0.5;") == Value(-0.5));
  CHECK(unserialize("s:2:\"\xc3\xa9\";") == Value("\xc3\xa9"));
  CHECK(unserialize("a:2:{i:7;b:1;s:1:\"x\";N;}") == Value(Array{{7, true}, {"x", Value()}}));
}

TEST_CASE("Floats are read in every form that PHP reads") {
  CHECK(unserialize("d:5;") == Value(5.0));
  CHECK(unserialize("d:.5;") == Value(0.5));
  CHECK(unserialize("d:5.;") == Value(5.0));
  CHECK(unserialize("d:+1e3;") == Value(1000.0));
  CHECK(unserialize("d:-.5E-3;") == Value(-0.0005));
  CHECK(unserialize("d:0.10000000000000001;") == Value(0.1));
  CHECK(unserialize("d:4.9406564584124654E-324;") == Value(Double::denorm_min()));
  CHECK(unserialize("d:INF;") == Value(Double::infinity()));
  CHECK(unserialize("d:-INF;") == Value(-Double::infinity()));
  CHECK(std::isnan(*unserialize("d:NAN;")->as<double>()));
  CHECK(std::signbit(*unserialize("d:-0;")->as<double>()));
}

TEST_CASE("A float in a form that PHP does not read is none") {
  for (const char* number :
       {"",    ".",    "-",   "+",    "+-1",      "--1",      "-.",    "1e",  "1e+", "e5", "inf",
        "Inf", "+INF", "nan", "-NAN", "infinity", "INFINITY", "0x1p3", "1,5", " 1",  "1 ", "1_0"}) {
    CAPTURE(number);
    CHECK_FALSE(unserialize("d:" + std::string(number) + ";").has_value());
  }
}

TEST_CASE("A plus, zeros and bytes behind the value do no harm") {
  CHECK(unserialize("i:+00042;rest") == Value(42));
  CHECK(unserialize("s:003:\"abc\";}") == Value("abc"));
  CHECK(unserialize("a:01:{i:0;i:1;};") == Value(Array{{0, 1}}));
}

TEST_CASE("A string with escapes is read, each escape one byte of its length") {
  CHECK(unserialize("S:3:\"a\\62c\";") == Value("abc"));
  CHECK(unserialize("S:2:\"\\4a\\4A\";") == Value("JJ"));
  CHECK(unserialize("S:1:\"\\00\";") == Value(std::string(1, '\0')));
  CHECK(unserialize("a:1:{S:1:\"\\31\";N;}") == Value(Array{{1, Value()}}));
  for (const char* text : {"S:1:\"\\6\";", "S:1:\"\\zz\";", "S:1:\"\\+1\";", "S:2:\"a\";",
                           "S:1:\"ab\";", "S:1:\"a\"", "S:1:\"\\"}) {
    CAPTURE(text);
    CHECK_FALSE(unserialize(text).has_value());
  }
}

TEST_CASE("A key in decimal becomes an integer, and of equal keys the last value stays") {
  CHECK(unserialize("a:3:{s:1:\"1\";i:2;s:2:\"01\";i:3;i:1;i:4;}") ==
        Value(Array{{1, 4}, {"01", 3}}));
  CHECK(serialize(*unserialize("a:3:{i:5;i:1;s:1:\"a\";i:2;s:1:\"5\";i:3;}")) ==
        "a:2:{i:5;i:3;s:1:\"a\";i:2;}");
}

TEST_CASE("Numbers that do not fit are errors, not other numbers") {
  CHECK(unserialize("i:9223372036854775807;") == Value(std::numeric_limits<std::int64_t>::max()));
  CHECK(unserialize("i:-9223372036854775808;") == Value(std::numeric_limits<std::int64_t>::min()));
  for (const char* text :
       {"i:9223372036854775808;", "i:-9223372036854775809;", "a:1:{i:9223372036854775808;N;}",
        "d:1e999;", "d:-1e999;", "d:1e-999;", "s:18446744073709551617:\"a\";"}) {
    CAPTURE(text);
    CHECK_FALSE(unserialize(text).has_value());
  }
}

TEST_CASE("What PHP refuses is refused") {
  for (const char* text : {"",
                           "n;",
                           "N",
                           "N:;",
                           "i:5",
                           "i: 5;",
                           "i:-+5;",
                           "b:2;",
                           "b:01;",
                           "b:1",
                           "s:3:\"abcd\";",
                           "s:4:\"abc\";",
                           "s:+3:\"abc\";",
                           "s:-1:\"\";",
                           "s:3:\"abc\"",
                           "s:3:abc;",
                           "a:+1:{i:0;i:1;}",
                           "a:-0:{}",
                           "a:0:{",
                           "a:1:{}",
                           "a:1:{i:0;}",
                           "a:2:{i:0;i:1;}",
                           "a:1:{i:0;i:1;",
                           "a:0:{i:0;i:1;}",
                           "a:1:{i:0;i:1;i:1;i:2;}",
                           "a:1:{N;i:1;}",
                           "a:1:{b:1;i:1;}",
                           "a:1:{d:1;i:1;}",
                           "a:1:{a:0:{}i:1;}",
                           "a:1:{R:1;i:1;}",
                           "o:1:{}",
                           "O:8:\"stdClass\":1:{i:1;}",
                           "O:8:\"stdClass\":0:{i:1;}",
                           "O:8:\"stdClass\":0:",
                           "O:8:\"stdClass\":-1:{}",
                           "O:9:\"stdClass\":0:{}",
                           "C:1:\"P\":4:{abc}",
                           "C:1:\"P\":2:{abc}",
                           "E:3:\"E:A\"",
                           "r:;",
                           "R:+1;"}) {
    CAPTURE(text);
    CHECK_FALSE(read_alone(text).has_value());
  }
}

TEST_CASE("Objects, enums and references are carried as their exact text") {
  for (const std::string text : {"O:8:\"stdClass\":2:{s:1:\"a\";i:+05;s:1:\"a\";O:1:\"P\":0:{}}",
                                 "C:1:\"P\":3:{}};}", "E:3:\"E:A\";", "r:1;", "R:1;"}) {
    CAPTURE(text);
    CHECK(unserialize(text + "rest") == Value(Opaque{text}));
    CHECK(unserialize("a:3:{i:0;i:1;i:1;" + text + "i:2;N;}") ==
          Value(Array{{0, 1}, {1, Opaque{text}}, {2, Value()}}));
  }
}

TEST_CASE("What is read can be written, and is the same text again") {
  for (const std::string& text : every_kind) {
    if (text.starts_with("S:")) continue;  // PHP reads these and never writes them
    CAPTURE(text);
    const auto value = unserialize(text);
    REQUIRE(value.has_value());
    CHECK(serialize(*value) == text);
  }
}

TEST_CASE("A text that was cut anywhere is refused") {
  for (const std::string& text : every_kind) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      CAPTURE(text, length);
      CHECK_FALSE(read_alone(text.substr(0, length)).has_value());
    }
    CHECK(read_alone(text).has_value());
  }
}

TEST_CASE("Damage anywhere is refused or read as another value, never more than that") {
  std::mt19937 random(20261124);
  const std::string alphabet = "0123456789+-.:;{}\"\\NbidsSaOCErRe";
  for (int round = 0; round < 20000; ++round) {
    std::string text = every_kind[random() % every_kind.size()];
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    const auto value = read_alone(text);
    if (!value) continue;
    CAPTURE(text);
    const std::string written = serialize(*value);
    REQUIRE(unserialize(written).has_value());
    REQUIRE(serialize(*unserialize(written)) == written);
  }
}

TEST_CASE("PHP's 4096 arrays and objects inside one another are read, and not one more") {
  const auto nested = [](int depth, const std::string& head, const std::string& core) {
    return times(depth, head) + core + times(depth, "}");
  };
  const std::string array = "a:1:{i:0;";
  const std::string object = "O:8:\"stdClass\":1:{s:1:\"a\";";
  const std::string deep = nested(4096, array, "N;");
  REQUIRE(unserialize(deep).has_value());
  CHECK(serialize(*unserialize(deep)) == deep);
  CHECK(unserialize(nested(4096, array, "a:0:{}")).has_value());
  CHECK_FALSE(unserialize(nested(4097, array, "N;")).has_value());
  CHECK(unserialize(nested(4096, object, "N;")).has_value());
  CHECK_FALSE(unserialize(nested(4096, object, "O:8:\"stdClass\":0:{}")).has_value());
}

TEST_CASE("A length or count beyond the text costs nothing and is refused") {
  for (const char* text :
       {"a:1000000000:{", "a:1000000000:{i:0;N;}", "a:18446744073709551615:{i:0;N;}",
        "s:1000000000000:\"a\";", "S:1000000000000:\"a\";", "O:1:\"P\":1000000000:{",
        "C:1:\"P\":18446744073709551615:{}"}) {
    CAPTURE(text);
    CHECK_FALSE(read_alone(text).has_value());
  }
}
