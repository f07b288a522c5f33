#include "sysv/serializer.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

using sysv::Array;
using sysv::Opaque;
using sysv::raw;
using sysv::serialize;
using sysv::Value;

namespace {

using Double = std::numeric_limits<double>;

}  // namespace

TEST_CASE("Null, truth and integers have PHP's serialize() text") {
  CHECK(serialize({}) == "N;");
  CHECK(serialize(true) == "b:1;");
  CHECK(serialize(false) == "b:0;");
  CHECK(serialize(-5) == "i:-5;");
  CHECK(serialize(std::numeric_limits<std::int64_t>::max()) == "i:9223372036854775807;");
}

TEST_CASE("A string is counted in bytes and written raw") {
  CHECK(serialize("") == "s:0:\"\";");
  CHECK(serialize("say \"hi\";") == "s:9:\"say \"hi\";\";");
  CHECK(serialize("\xc3\xa9") == "s:2:\"\xc3\xa9\";");
  CHECK(serialize(std::string("\0\xff", 2)) == std::string("s:2:\"\0\xff\";", 9));
}

TEST_CASE("A float is written out between 0.0001 and 1.0E+17, without needless digits") {
  CHECK(serialize(0.1) == "d:0.1;");
  CHECK(serialize(1.0) == "d:1;");
  CHECK(serialize(-1234.5) == "d:-1234.5;");
  CHECK(serialize(100.0) == "d:100;");
  CHECK(serialize(0.0001) == "d:0.0001;");
  CHECK(serialize(0.00025) == "d:0.00025;");
  CHECK(serialize(1e16) == "d:10000000000000000;");
  CHECK(serialize(9007199254740993.0) == "d:9007199254740992;");
  CHECK(serialize(99999999999999984.0) == "d:99999999999999980;");
}

TEST_CASE("A float beyond that has an exponent, and one decimal at least") {
  CHECK(serialize(1e17) == "d:1.0E+17;");
  CHECK(serialize(1e25) == "d:1.0E+25;");
  CHECK(serialize(-1.25e100) == "d:-1.25E+100;");
  CHECK(serialize(0.00001) == "d:1.0E-5;");
  CHECK(serialize(0.000099) == "d:9.9E-5;");
  CHECK(serialize(Double::max()) == "d:1.7976931348623157E+308;");
  CHECK(serialize(Double::epsilon()) == "d:2.220446049250313E-16;");
  CHECK(serialize(Double::min()) == "d:2.2250738585072014E-308;");
  CHECK(serialize(Double::denorm_min()) == "d:5.0E-324;");
}

TEST_CASE("Floats that are no usual number have PHP's names") {
  CHECK(serialize(0.0) == "d:0;");
  CHECK(serialize(-0.0) == "d:-0;");
  CHECK(serialize(Double::infinity()) == "d:INF;");
  CHECK(serialize(-Double::infinity()) == "d:-INF;");
  CHECK(serialize(Double::quiet_NaN()) == "d:NAN;");
  CHECK(serialize(std::copysign(Double::quiet_NaN(), -1.0)) == "d:NAN;");
}

TEST_CASE("An array is written in its order, keys and all") {
  CHECK(serialize(Array()) == "a:0:{}");
  CHECK(serialize(Array{{"b", 1}, {"5", Value()}, {-2, true}}) ==
        "a:3:{s:1:\"b\";i:1;i:5;N;i:-2;b:1;}");
}

TEST_CASE("Arrays inside arrays are closed where they end") {
  const Array inner = Array::list({1, Array()});
  CHECK(serialize(Array{{"x", inner}, {"y", inner}}) ==
        "a:2:{s:1:\"x\";a:2:{i:0;i:1;i:1;a:0:{}}s:1:\"y\";a:2:{i:0;i:1;i:1;a:0:{}}}");
}

TEST_CASE("What is opaque is written as it was read") {
  CHECK(serialize(Opaque{"O:8:\"stdClass\":0:{}"}) == "O:8:\"stdClass\":0:{}");
  CHECK(serialize(Array::list({Opaque{"E:3:\"E:A\";"}, Opaque{"R:2;"}})) ==
        "a:2:{i:0;E:3:\"E:A\";i:1;R:2;}");
}

// Calls inside calls for each of these would need more stack than there is.
TEST_CASE("A hundred thousand arrays inside one another are written") {
  constexpr int depth = 100'000;
  Value value;
  for (int i = 0; i < depth; ++i) {
    std::vector<sysv::Element> one;
    one.push_back({0, std::move(value)});
    value = Array(std::move(one));
  }
  const std::string text = serialize(value);
  CHECK(text.size() == depth * std::string("a:1:{i:0;}").size() + 2);
  CHECK(text.substr(text.size() - 4) == "}}}}");
}

TEST_CASE("A raw message has the bytes that PHP's has") {
  CHECK(raw("any \"bytes\"") == "any \"bytes\"");
  CHECK(raw(-5) == "-5");
  CHECK(raw(true) == "1");
  CHECK(raw(false) == "0");
  CHECK(raw(0.1234567891) == "0.123457");
  CHECK(raw(0.0078125) == "0.007812");
  CHECK(raw(1e25) == "10000000000000000905969664.000000");
  CHECK(raw(-0.0) == "0.000000");
  CHECK(raw(-1e-7) == "-0.000000");
  CHECK(raw(-Double::infinity()) == "inf");
  CHECK(raw(Double::quiet_NaN()) == "nan");
  CHECK(raw(Double::max())->size() == 316);
}

TEST_CASE("What PHP refuses to send raw has no raw form") {
  CHECK_FALSE(raw({}).has_value());
  CHECK_FALSE(raw(Array()).has_value());
  CHECK_FALSE(raw(Opaque{"O:8:\"stdClass\":0:{}"}).has_value());
}
