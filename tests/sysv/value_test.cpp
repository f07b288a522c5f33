#include "sysv/value.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"

using sysv::Array;
using sysv::ArrayKey;
using sysv::integer_in;
using sysv::serialized;
using sysv::Value;

namespace {

constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();

bool is_text(const std::string& text) {
  const ArrayKey key(text);
  return key.number() == nullptr && *key.text() == text;
}

}  // namespace

TEST_CASE("An integer becomes PHP's serialize() text") {
  CHECK(serialized(0) == "i:0;");
  CHECK(serialized(-5) == "i:-5;");
  CHECK(serialized(lowest) == "i:-9223372036854775808;");
}

TEST_CASE("An integer is read as PHP's unserialize() reads it") {
  CHECK(integer_in("i:42;") == 42);
  CHECK(integer_in("i:-42;") == -42);
  CHECK(integer_in("i:+42;") == 42);
  CHECK(integer_in("i:00042;") == 42);
  CHECK(integer_in("i:42;CCCC;") == 42);
  CHECK(integer_in("i:9223372036854775807;") == highest);
}

TEST_CASE("What is no integer of PHP's is none here") {
  for (const char* text : {"", "i:", "i:;", "i:42", "i: 42;", "i:4 2;", "i:+-4;", "i:--4;", "I:4;",
                           "d:4;", "b:1;", "s:1:\"4\";", "i:9223372036854775808;", "42", "42;"}) {
    CAPTURE(text);
    CHECK_FALSE(integer_in(text).has_value());
  }
}

TEST_CASE("A key that is an integer in its shortest form is that integer") {
  CHECK(ArrayKey("0") == ArrayKey(0));
  CHECK(ArrayKey("-5") == ArrayKey(-5));
  CHECK(ArrayKey("9223372036854775807") == ArrayKey(highest));
  CHECK(ArrayKey("-9223372036854775808") == ArrayKey(lowest));
}

TEST_CASE("A key that is an integer in another form stays a string") {
  for (const char* text : {"", "-", "00", "07", "+7", "-0", "7 ", " 7", "7.0", "1e3", "0x1",
                           "9223372036854775808", "-9223372036854775809"}) {
    CAPTURE(text);
    CHECK(is_text(text));
  }
  CHECK(is_text(std::string("7\0", 2)));
}

TEST_CASE("Each kind of value is what it was made of, and nothing else") {
  CHECK(Value().as<sysv::Null>() != nullptr);
  CHECK(*Value(true).as<bool>());
  CHECK(*Value(-5).as<std::int64_t>() == -5);
  CHECK(*Value(1.5).as<double>() == 1.5);
  CHECK(*Value("text").as<std::string>() == "text");
  CHECK(Value(Array{{1, 2}}).as<Array>()->elements().size() == 1);
  CHECK(Value(sysv::Opaque{"r:1;"}).as<sysv::Opaque>()->text == "r:1;");
  CHECK(Value(1).as<bool>() == nullptr);
  CHECK(Value(1).as<double>() == nullptr);
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK_FALSE(Value() == Value(false));
}

TEST_CASE("Of equal keys the last value stays, at the place of the first") {
  const Array array{{"b", 1}, {"7", 2}, {"a", 3}, {7, 4}, {"b", 5}, {7, 6}};
  REQUIRE(array.elements().size() == 3);
  CHECK(array == Array{{"b", 5}, {7, 6}, {"a", 3}});
  CHECK(array.elements()[0].key == ArrayKey("b"));
}

TEST_CASE("An array finds a value by its key, and none where there is none") {
  const Array array{{"b", 1}, {7, 2}};
  REQUIRE(array.find("7") != nullptr);
  CHECK(*array.find("7") == Value(2));
  CHECK(array.find("a") == nullptr);
  CHECK(array.find(8) == nullptr);
}

TEST_CASE("A value is changed where it stands, and a new one comes last") {
  Array array{{"b", 1}, {"a", 2}};
  array.set("b", 3);
  array.set("0", 4);
  CHECK(array == Array{{"b", 3}, {"a", 2}, {0, 4}});
}

TEST_CASE("A list counts its keys from 0") {
  CHECK(Array::list({"x", 1.5, true}) == Array{{0, "x"}, {1, 1.5}, {2, true}});
}

TEST_CASE("Arrays in another order, or with another value deep inside, differ") {
  CHECK_FALSE(Array{{0, 1}, {1, 2}} == Array{{1, 2}, {0, 1}});
  CHECK_FALSE(Array{{0, 1}} == Array{{0, 1}, {1, 2}});
  CHECK_FALSE(Array{{0, Array{{"x", 1}}}} == Array{{0, Array{{"x", 2}}}});
  CHECK(Array{{0, Array{{"x", 1}}}} == Array{{0, Array{{"x", 1}}}});
}

TEST_CASE("A copy of an array is not changed with it") {
  Array array{{0, Array{{"x", 1}}}};
  const Array copy = array;
  array.set(0, 2);
  CHECK(copy == Array{{0, Array{{"x", 1}}}});
}

// A destructor that calls itself for each of these would need more stack than there is.
TEST_CASE("Half a million arrays inside one another are destroyed without a trace") {
  Value value;
  for (int depth = 0; depth < 500'000; ++depth) {
    std::vector<sysv::Element> one;
    one.push_back({0, std::move(value)});
    value = Array(std::move(one));
  }
  value = Value();
  CHECK(value == Value());
}
