#include "cli/value.hpp"

#include <sys/resource.h>

#include <chrono>

#include "support/catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("Times have units, and are seconds without one") {
  CHECK(cli::duration("90") == 90s);
  CHECK(cli::duration("500ms") == 500ms);
  CHECK(cli::duration("20s") == 20s);
  CHECK(cli::duration("2m") == 2min);
  CHECK(cli::duration("3h") == 3h);
  CHECK(cli::duration("1d") == 24h);
  CHECK(cli::duration("0") == 0s);
}

TEST_CASE("A time that cannot be meant, or that no clock can hold, is refused") {
  const std::string time = GENERATE("", "s", "ms", "-1", "-1s", "1w", "1.5s", "1 s", "20S", "1e3",
                                    "366d", "1000000d", "99999999999999999999s");
  INFO(time);
  CHECK_THROWS_AS(cli::duration(time), cli::ConfigError);
}

TEST_CASE("The longest time that is taken can be added to now") {
  const auto now = std::chrono::steady_clock::now();
  CHECK(now + cli::duration("365d") > now);
}

TEST_CASE("A time is written so that it is read as the same") {
  for (const auto time : {0ms, 1ms, 1500ms, 1000ms, 90000ms}) {
    CHECK(cli::duration(cli::text_of(time)) == time);
  }
}

TEST_CASE("Sizes are bytes, or thousands of 1024 with a letter") {
  CHECK(cli::size("4096", 1, 1 << 30) == 4096);
  CHECK(cli::size("64k", 1, 1 << 30) == 65536);
  CHECK(cli::size("64K", 1, 1 << 30) == 65536);
  CHECK(cli::size("2M", 1, 1 << 30) == 2 << 20);
  CHECK(cli::size("1G", 1, 1 << 30) == 1 << 30);
}

TEST_CASE("A size that is out of its bounds or no size is refused") {
  const std::string size = GENERATE("", "k", "-1", "1023", "2G", "1T", "1.5k", "99999999999999999G",
                                    "9223372036854775808");
  INFO(size);
  CHECK_THROWS_AS(cli::size(size, 1024, 1 << 30), cli::ConfigError);
}

TEST_CASE("Yes and no are what php-fpm takes for them") {
  for (const char* yes : {"1", "yes", "Yes", "on", "ON", "true"}) CHECK(cli::boolean(yes));
  for (const char* no : {"0", "no", "off", "Off", "false", ""}) CHECK_FALSE(cli::boolean(no));
  for (const char* other : {"maybe", "y", "2", " yes"}) {
    CHECK_THROWS_AS(cli::boolean(other), cli::ConfigError);
  }
}

TEST_CASE("A whole number is refused outside its bounds, which the message names") {
  CHECK(cli::whole_number("-19", -19, 20) == -19);
  CHECK(cli::whole_number("0x10", 0, 20) == 16);
  CHECK_THROWS_WITH(cli::whole_number("21", -19, 20), "a whole number from -19 to 20 is needed");
  for (const char* text : {"", "4x", "--1", "1k", "+1", " 1"}) {
    CHECK_THROWS_AS(cli::whole_number(text, 0, 20), cli::ConfigError);
  }
}

TEST_CASE("Permissions are octal, and written with four digits") {
  CHECK(cli::permissions("660") == 0660);
  CHECK(cli::octal(cli::permissions("0660")) == "0660");
  for (const char* text : {"8", "1000", "-1", "rw", ""}) {
    CHECK_THROWS_AS(cli::permissions(text), cli::ConfigError);
  }
}

TEST_CASE("A resource limit is a number or unlimited") {
  CHECK(cli::limit("1024") == 1024);
  CHECK(cli::limit("unlimited") == RLIM_INFINITY);
  CHECK(cli::text_of_limit(RLIM_INFINITY) == "unlimited");
  CHECK_THROWS_AS(cli::limit("-1"), cli::ConfigError);
}

TEST_CASE("A key is any number of 32 bits but 0") {
  CHECK(cli::key("0x51e") == sysv::Key{0x51e});
  CHECK(cli::key("-2147483648") == sysv::Key{-2147483647 - 1});
  const std::string key = GENERATE("0", "0x0", "-0", "0x80000000", "2147483648", "-2147483649",
                                   "0xffffffffffffffffff", "", "0x", "-", "visi", "0x51g", "0x-1");
  INFO(key);
  CHECK_THROWS_AS(cli::key(key), cli::ConfigError);
}

TEST_CASE("A list has what stands between its commas, without blanks") {
  CHECK(cli::list("127.0.0.1, ::1 ,,10.0.0.1,") ==
        std::vector<std::string>{"127.0.0.1", "::1", "10.0.0.1"});
  CHECK(cli::list("").empty());
}

TEST_CASE("A page is a path of php-fpm's letters, or none") {
  CHECK(cli::page("/a-z_0.9~/x") == "/a-z_0.9~/x");
  CHECK(cli::page("").empty());
  for (const char* path : {"/", "status", "/a b", "/a?b", "/\xc3\xa4"}) {
    CHECK_THROWS_AS(cli::page(path), cli::ConfigError);
  }
}

TEST_CASE("A word that is none of those to choose from is answered with them") {
  CHECK(cli::one_of({"static", "dynamic"}, "Static") == "static");
  CHECK_THROWS_WITH(cli::one_of({"a", "b", "c"}, "d"), "a, b or c is needed");
}
