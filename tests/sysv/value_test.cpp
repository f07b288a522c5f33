#include "sysv/value.hpp"

#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using sysv::integer_in;
using sysv::serialized;

TEST_CASE("An integer becomes PHP's serialize() text") {
  CHECK(serialized(0) == "i:0;");
  CHECK(serialized(-5) == "i:-5;");
  CHECK(serialized(std::numeric_limits<std::int64_t>::min()) == "i:-9223372036854775808;");
}

TEST_CASE("An integer is read as PHP's unserialize() reads it") {
  CHECK(integer_in("i:42;") == 42);
  CHECK(integer_in("i:-42;") == -42);
  CHECK(integer_in("i:+42;") == 42);
  CHECK(integer_in("i:00042;") == 42);
  CHECK(integer_in("i:42;CCCC;") == 42);
  CHECK(integer_in("i:9223372036854775807;") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("What is no integer of PHP's is none here") {
  for (const char* text : {"", "i:", "i:;", "i:42", "i: 42;", "i:4 2;", "i:+-4;", "i:--4;", "I:4;",
                           "d:4;", "b:1;", "s:1:\"4\";", "i:9223372036854775808;", "42"}) {
    CAPTURE(text);
    CHECK_FALSE(integer_in(text).has_value());
  }
}
