#include "ctl/console.hpp"

#include <sstream>

#include "ctl/failure.hpp"
#include "support/catch.hpp"

namespace {

const ctl::Page page = {"burn", {}, "", {{"--yes", "", ""}, {"--json", "", ""}}, "", ""};

struct Talk {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;

  // The exit code of a command that asks first.
  int ask(bool is_terminal, const std::string& answer, std::vector<std::string> words = {}) {
    in.str(answer);
    const ctl::Console console{in, out, err, is_terminal, {}};
    try {
      console.require_consent({page, words}, "burn the letter");
      return 0;
    } catch (const ctl::Failure& failure) {
      return static_cast<int>(failure.code());
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Talk, "On a terminal yes is consent, and anything else is not") {
  CHECK(ask(true, "y\n") == 0);
  CHECK(err.str() == "This will burn the letter. Go on? [y/N] ");
  CHECK(ask(true, "yes\n") == 0);
  CHECK(ask(true, "\n") == 1);
  CHECK(ask(true, "yesterday\n") == 1);
  CHECK(ask(true, "") == 1);
}

TEST_CASE_METHOD(Talk, "Where nobody could answer, --yes is needed and nothing is asked") {
  CHECK(ask(false, "y\n") == 64);
  CHECK(ask(false, "", {"--yes"}) == 0);
  CHECK(err.str().empty());
}

TEST_CASE_METHOD(Talk, "A program is told the document, and a person the text") {
  const ctl::Console console{in, out, err, false, {}};
  console.tell({page, std::vector<std::string>{"--json"}}, 5, "five\n");
  console.tell({page, {}}, 5, "five\n");
  CHECK(out.str() == "5\nfive\n");
}

TEST_CASE_METHOD(Talk, "Output that cannot be written is a failure") {
  out.setstate(std::ios::badbit);
  const ctl::Console console{in, out, err, false, {}};
  CHECK_THROWS_AS(console.tell_line("x"), ctl::Failure);
}
