#include "sysv/reader.hpp"

#include <string>

#include "support/catch.hpp"

using sysv::Reader;

TEST_CASE("A reader knows what it has taken and stops at the end") {
  Reader reader("abcdef");
  CHECK(reader.take("ab"));
  CHECK_FALSE(reader.take("ab"));
  CHECK(reader.character() == 'c');
  CHECK(reader.position() == 3);
  CHECK(reader.since(1) == "bc");
  CHECK_FALSE(reader.bytes(4).has_value());
  CHECK(reader.bytes(3) == "def");
  CHECK_FALSE(reader.character().has_value());
  CHECK(reader.position() == 6);
}

TEST_CASE("A length is digits alone") {
  CHECK(Reader("12:").length() == 12);
  CHECK(Reader("0012").length() == 12);
  for (const char* text : {"", ":", "+1", "-0", " 1", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(Reader(text).length().has_value());
  }
}

TEST_CASE("An object's count may have a sign or be missing, and is not below zero") {
  CHECK(Reader("2:").lax_length() == 2);
  CHECK(Reader("+2:").lax_length() == 2);
  CHECK(Reader("-0:").lax_length() == 0);
  CHECK(Reader(":").lax_length() == 0);
  CHECK_FALSE(Reader("-2:").lax_length().has_value());
}

TEST_CASE("A number leaves what follows it") {
  Reader integer("+5;x");
  CHECK(integer.integer() == 5);
  CHECK(integer.take(";x"));
  Reader floating("-1.5e3;x");
  CHECK(floating.floating() == -1500.0);
  CHECK(floating.take(";x"));
}

TEST_CASE("Quotes inside a quoted string are bytes like any other") {
  Reader reader("3:\"a\"b\";");
  CHECK(reader.quoted() == "a\"b");
  CHECK(reader.take(";"));
  CHECK_FALSE(Reader("2:\"a\"b\"").quoted().has_value());
  CHECK_FALSE(Reader("4:\"abc\"").quoted().has_value());
}

TEST_CASE("An escape is one byte, a backslash and a quote included") {
  CHECK(Reader("3:\"\\5c\\22x\"").escaped() == "\\\"x");
  CHECK_FALSE(Reader("1:\"\\5\"").escaped().has_value());
  CHECK_FALSE(Reader("1:\"\\-5\"").escaped().has_value());
  CHECK_FALSE(Reader("1:\"\\6g\"").escaped().has_value());
}
