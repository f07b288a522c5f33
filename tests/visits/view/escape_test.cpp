#include "visits/view/escape.hpp"

#include "support/catch.hpp"

using namespace visits::view;

TEST_CASE("Text that can be shown stays as it is") {
  for (const char* text :
       {"", "/a?b=1", "\"<>&'\\", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("Control characters and bytes that are not UTF-8 become U+FFFD, one each") {
  const std::string mark = "\xef\xbf\xbd";
  CHECK(printable(std::string("a\0b", 3)) == "a" + mark + "b");
  CHECK(printable("\n\r\t\x1b\x7f") == mark + mark + mark + mark + mark);
  CHECK(printable("\xff"
                  "a") == mark + "a");
  CHECK(printable("\xc3") == mark);  // cut short
  CHECK(printable("\xc3"
                  "a") == mark + "a");          // another begins too early
  CHECK(printable("\xc0\xaf") == mark + mark);  // longer than need be
  CHECK(printable("\xe0\x80\xaf") == mark + mark + mark);
  CHECK(printable("\xed\xa0\x80") == mark + mark + mark);             // half of a pair
  CHECK(printable("\xf4\x90\x80\x80") == mark + mark + mark + mark);  // above all
  CHECK(printable("\xef\xbf\xbf") == mark + mark + mark);             // what XML forbids
  CHECK(printable("\xc2\x85") == mark + mark);                        // a control character, too
}

TEST_CASE("Text is escaped for where it goes") {
  CHECK(json_escaped("/a\"\\<") == "\\/a\\\"\\\\<");
  CHECK(markup_escaped("&<>\"'/\\") == "&amp;&lt;&gt;&quot;'/\\");
  CHECK(label_escaped("/a\"\\") == "/a\\\"\\\\");
}
