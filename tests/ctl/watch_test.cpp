#include "ctl/watch.hpp"

#include "support/catch.hpp"
#include "support/session.hpp"
#include "sysv/segment.hpp"
#include "sysv/variables.hpp"

using ctl::changes;
using support::Session;

TEST_CASE("Between two looks a variable is new, changed or removed, or nothing is said of it") {
  CHECK(changes({}, {}).empty());
  CHECK(changes({{1, "N;"}}, {{1, "N;"}}).empty());
  const auto found = changes({{1, "a"}, {2, "b"}, {3, "c"}}, {{1, "a"}, {3, "d"}, {4, "e"}});
  REQUIRE(found.size() == 3);
  CHECK(found[0] == ctl::Change{2, "b", std::nullopt});
  CHECK(found[1] == ctl::Change{3, "c", "d"});
  CHECK(found[2] == ctl::Change{4, std::nullopt, "e"});
}

TEST_CASE_METHOD(Session, "A watcher begins with what there is, and goes on with the changes") {
  CHECK(ipc({"watch", key_text}).code == 1);
  ipc({"put", key_text, "0", "5", "--create"});
  const auto segment = sysv::Segment::open(key);
  sysv::Variables variables(segment->bytes());
  int look = 0;
  at = [&] {
    ++look;
    if (look == 1) variables.put(0, "i:6;");
    if (look == 2) variables.put(1, "b:1;");
    if (look == 3) variables.remove(0);
  };
  looks = 4;
  const support::Outcome outcome = ipc({"watch", key_text});
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "0: 5\n0: 5 -> 6\n1: true\n0: removed, was 6\n");
}

TEST_CASE_METHOD(Session, "A watcher of one variable is told of it alone, in lines of JSON") {
  ipc({"put", key_text, "0", "5", "--create"});
  ipc({"put", key_text, "1", "5"});
  const auto segment = sysv::Segment::open(key);
  sysv::Variables variables(segment->bytes());
  at = [&] {
    variables.put(0, "i:6;");
    variables.put(1, "i:7;");
  };
  CHECK(ipc({"watch", key_text, "1", "--json"}).out ==
        "{\"variable\":1,\"event\":\"new\",\"value\":5}\n"
        "{\"variable\":1,\"event\":\"changed\",\"before\":5,\"value\":7}\n");
}

TEST_CASE_METHOD(Session, "A segment that goes takes its variables with it, and may come back") {
  ipc({"put", key_text, "0", "5", "--create"});
  int look = 0;
  at = [&] {
    ++look;
    if (look == 1) sysv::Segment::remove(key);
    if (look == 2) {
      const auto anew = sysv::Segment::create(key, 4096);
      sysv::Variables::of(anew->bytes(), 1).put(0, "i:1;");
    }
  };
  looks = 2;
  CHECK(ipc({"watch", key_text}).out == "0: 5\n0: removed, was 5\n0: 1\n");
}
