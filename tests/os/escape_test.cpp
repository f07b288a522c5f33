#include "os/escape.hpp"

#include <limits>
#include <string>
#include <string_view>

#include "support/catch.hpp"

using namespace std::string_view_literals;

namespace {

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::string json(std::string_view text, std::size_t room = no_limit) {
  std::string out;
  os::append_json(out, text, room);
  return out;
}

std::string printable(std::string_view text, std::size_t room = no_limit) {
  std::string out;
  os::append_printable(out, text, room);
  return out;
}

}  // namespace

TEST_CASE("Control bytes and quotes cannot end a string of JSON") {
  CHECK(json("a\"b\\c\nd\te\x7f\0z"sv) == R"(a\"b\\c\nd\u0009e\u007f\u0000z)");
}

TEST_CASE("Characters beyond ASCII stay as they are in JSON, of every length") {
  CHECK(json("zähle €, 🦊") == "zähle €, 🦊");
}

TEST_CASE("Bytes that are no UTF-8 are shown as text in JSON, which stays UTF-8") {
  CHECK(json("\xff\xe4") == R"(\\xff\\xe4)");
  CHECK(json("\xc0\xaf") == R"(\\xc0\\xaf)");                    // overlong
  CHECK(json("\xed\xa0\x80") == R"(\\xed\\xa0\\x80)");           // a surrogate
  CHECK(json("\xf4\x90\x80\x80") == R"(\\xf4\\x90\\x80\\x80)");  // past the last character
  CHECK(json("\xe2\x82") == R"(\\xe2\\x82)");                    // cut
  CHECK(json("\xe2\x82z") == R"(\\xe2\\x82z)");
}

TEST_CASE("What has no room is left out whole, never half a character or half an escape") {
  CHECK(printable("aä", 2) == "a");
  CHECK(printable("a\n", 4) == "a");
  CHECK(printable("a\n", 5) == "a\\x0a");
  CHECK(json("a\x01", 6) == "a");
  std::string out;
  CHECK(os::append_json(out, "ab\x01z", 7) == 2);
}
