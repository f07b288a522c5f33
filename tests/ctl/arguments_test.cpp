#include "ctl/arguments.hpp"

#include <string>
#include <vector>

#include "ctl/failure.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

using namespace std::chrono_literals;
using ctl::Arguments;
using ctl::Failure;
using support::contains;

namespace {

const ctl::Page page = {"paint", {"WALL", "[COLOUR]"},
                        "",      {{"--coats", "COUNT", ""}, {"--dry", "", ""}, {"--help", "", ""}},
                        "",      ""};

Arguments parsed(const std::vector<std::string>& words) { return Arguments(page, words); }

}  // namespace

TEST_CASE("Options stand anywhere, their values behind them or behind an equals sign") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--coats", "2", "north", "blue", "--dry"}, {"north", "--dry", "--coats=2", "blue"}}) {
    const Arguments arguments = parsed(words);
    CHECK(arguments.operand(0) == "north");
    CHECK(arguments.operand(1) == "blue");
    CHECK(arguments.value("--coats") == "2");
    CHECK(arguments.has("--dry"));
    CHECK_FALSE(arguments.wants_help());
  }
}

TEST_CASE("A negative number is an operand, and behind -- so is everything") {
  CHECK(parsed({"-5"}).operand(0) == "-5");
  CHECK(parsed({"-5"}).operand(1).empty());
  CHECK(parsed({"-5"}).operands() == 1);
  CHECK(parsed({"--", "--dry", "--"}).operand(0) == "--dry");
  CHECK(parsed({"--", "--dry", "--"}).operand(1) == "--");
  CHECK(parsed({"--coats", "-2", "x"}).value("--coats") == "-2");
}

TEST_CASE("Help needs no operands") { CHECK(parsed({"-h"}).wants_help()); }

TEST_CASE("Words that the page does not have are refused with a reason") {
  for (const auto& [words, reason] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "paint wants WALL [COLOUR], not 0 operands"},
           {{"a", "b", "c"}, "not 3 operands"},
           {{"a", "--wet"}, "no option --wet"},
           {{"a", "-w"}, "no option -w"},
           {{"a", "--dry=yes"}, "takes no value"},
           {{"a", "--coats"}, "wants a value, COUNT"}}) {
    CHECK_THROWS_WITH(parsed(words), contains(reason));
    CHECK_THROWS_AS(parsed(words), Failure);
  }
}

TEST_CASE("A key is a number of 32 bits in any of its ways, or a file's") {
  CHECK(ctl::key_in("0x51e") == sysv::Key{0x51e});
  CHECK(ctl::key_in("1310") == sysv::Key{0x51e});
  CHECK(ctl::key_in("0xffffffff") == sysv::Key{-1});
  CHECK(ctl::key_in("-16760826") == sysv::Key{-16760826});
  const support::Folder folder;
  const std::string file = folder.write("5", "");
  CHECK(ctl::key_in(file) == sysv::key_of_file(file));
}

TEST_CASE("What is no key says what would be one") {
  for (const auto& [word, reason] :
       std::vector<std::pair<std::string, std::string>>{{"0", "key 0"},
                                                        {"0x100000000", "32 bits"},
                                                        {"-2147483649", "32 bits"},
                                                        {"12x", "./12x"},
                                                        {"0x", "no key"},
                                                        {"0x-5", "no key"},
                                                        {"", "neither a key"},
                                                        {"/nowhere/at/all", "No such file"}}) {
    CAPTURE(word);
    CHECK_THROWS_WITH(ctl::key_in(word), contains(reason));
  }
}

TEST_CASE("Numbers, times, sizes and modes are read whole or refused") {
  CHECK(ctl::variable_in("-9223372036854775808") == INT64_MIN);
  CHECK(ctl::variable_in("0x10") == 16);
  CHECK_THROWS_AS(ctl::variable_in("1.5"), Failure);
  CHECK(ctl::type_in("3") == sysv::MessageType{3});
  CHECK_THROWS_AS(ctl::type_in("0"), Failure);
  CHECK(ctl::seconds_in("0.25") == 250ms);
  CHECK_THROWS_AS(ctl::seconds_in("-1"), Failure);
  CHECK_THROWS_AS(ctl::seconds_in("nan"), Failure);
  CHECK_THROWS_AS(ctl::seconds_in("soon"), Failure);
  CHECK(ctl::size_in("65536") == 65536);
  CHECK_THROWS_AS(ctl::size_in("100"), Failure);
  CHECK(ctl::access_in("0640") == sysv::Access{0640});
  CHECK_THROWS_AS(ctl::access_in("1777"), Failure);
  CHECK_THROWS_AS(ctl::access_in("9"), Failure);
}
