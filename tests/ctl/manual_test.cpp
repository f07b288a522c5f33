#include "ctl/manual.hpp"

#include <algorithm>

#include "support/catch.hpp"

using support::contains;

TEST_CASE("Every verb has a page with an example of its own and every exit code") {
  for (const ctl::Page& page : ctl::pages()) {
    const std::string text = help_on(page);
    CHECK_THAT(text, contains("\n    visitsctl ipc " + std::string(page.name)));
    for (const char* code :
         {"  0  ", "  1  ", " 64  ", " 65  ", " 69  ", " 73  ", " 74  ", " 75  ", " 77  "}) {
      CHECK_THAT(text, contains(code));
    }
    for (const ctl::Option& option : page.options)
      CHECK_THAT(text, contains(std::string(option.name)));
    CHECK_THAT(ctl::help_on_ipc(), contains("\n  " + std::string(page.name)));
    CHECK(ctl::page_of(page.name) == &page);
  }
  CHECK(ctl::page_of("frob") == nullptr);
}

TEST_CASE("Every verb that destroys something takes --yes, and every verb --json or --raw") {
  for (const char* verb : {"remove", "repair", "rm"})
    CHECK_THAT(help_on(*ctl::page_of(verb)), contains("--yes"));
  for (const ctl::Page& page : ctl::pages()) CHECK_THAT(help_on(page), contains("--json"));
}

TEST_CASE("No line of the manual is wider than a terminal") {
  std::string all = ctl::help() + "\n" + ctl::help_on_ipc() + "\n";
  for (const ctl::Page& page : ctl::pages()) all += help_on(page) + "\n";
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    const std::string line = all.substr(at, all.find('\n', at) - at);
    CAPTURE(line);
    CHECK(line.size() <= 100);
  }
}
