#include "ctl/program.hpp"

#include <unistd.h>

#include <algorithm>

#include "ctl/manual.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/session.hpp"
#include "sysv/segment.hpp"

using support::contains;
using support::Outcome;
using support::Session;

namespace {

bool is_one_sentence(const std::string& text) {
  return text.starts_with("visitsctl: ") && std::count(text.begin(), text.end(), '\n') == 1;
}

}  // namespace

TEST_CASE_METHOD(Session, "Help and version go to the output, with exit code 0") {
  CHECK(call({"--version"}).out == "visitsctl 1.2.3\n");
  CHECK_THAT(call({"--help"}).out, contains("visitsctl ipc VERB"));
  CHECK_THAT(ipc({"--help"}).out, contains("receive KEY"));
  for (const ctl::Page& page : ctl::pages()) {
    const Outcome help = ipc({std::string(page.name), "--help"});
    CHECK(help.code == 0);
    CHECK(help.out == help_on(page) + "\n");
    CHECK(help.err.empty());
  }
}

TEST_CASE_METHOD(Session, "A wrong call is one sentence and exit code 64") {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"frob"},
                                             {"ipc"},
                                             {"ipc", "frob"},
                                             {"ipc", "show"},
                                             {"ipc", "show", "0"},
                                             {"ipc", "show", "0x51e", "--loud"},
                                             {"ipc", "get", "0x51e", "x"},
                                             {"ipc", "send", "0x51e", "-1", "5"},
                                             {"ipc", "receive", "0x51e", "--wait", "soon"}}) {
    const Outcome outcome = call(words);
    CHECK(outcome.code == 64);
    CHECK(is_one_sentence(outcome.err));
    CHECK(outcome.out.empty());
  }
}

TEST_CASE_METHOD(Session, "Every verb says of a key with nothing at it that there is nothing") {
  const std::vector<std::vector<std::string>> calls = {
      {"show"},   {"get", "0"}, {"put", "0", "5"},  {"remove", "0"}, {"check"},
      {"repair"}, {"watch"},    {"send", "1", "5"}, {"receive"},     {"rm", "--yes"}};
  for (std::vector<std::string> words : calls) {
    words.insert(words.begin() + 1, key_text);
    const Outcome outcome = ipc(words);
    CAPTURE(words);
    CHECK(outcome.code == 1);
    CHECK(is_one_sentence(outcome.err));
  }
}

TEST_CASE_METHOD(Session, "What another user keeps private is exit code 77, and list goes on") {
  if (support::lacks_root()) return;  // only root can become somebody else
  ipc({"put", key_text, "0", "5", "--create"});
  ipc({"send", key_text, "1", "5", "--create"});
  CHECK(support::in_child([&] {
          if (setuid(65534) != 0) return 1;
          if (ipc({"show", key_text}).code != 77) return 2;
          if (ipc({"put", key_text, "0", "6"}).code != 77) return 3;
          if (ipc({"receive", key_text}).code != 77) return 4;
          if (ipc({"rm", key_text, "--yes"}).code != 77) return 5;
          const Outcome list = ipc({"list"});
          return list.code == 0 && list.out.find("?\n") != std::string::npos ? 7 : 6;
        }) == 7);
  CHECK(ipc({"get", key_text, "0"}).out == "5\n");
}
