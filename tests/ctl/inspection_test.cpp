#include "ctl/inspection.hpp"

#include "support/catch.hpp"
#include "support/session.hpp"
#include "sysv/layout.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/variables.hpp"

using support::contains;
using support::Session;

TEST_CASE_METHOD(Session, "list has what is at a key, for people and for programs") {
  ipc({"put", key_text, "0", "5", "--create", "--size", "4096"});
  const std::string text = ipc({"list"}).out;
  CHECK_THAT(text, contains("Segments\nKEY"));
  CHECK_THAT(text, contains("\n" + key_text + "  "));
  CHECK_THAT(ipc({"list", "--json"}).out, contains("\"key\": \"" + key_text + "\""));
}

TEST_CASE_METHOD(Session, "show has variables, semaphore and queue, whichever there are") {
  CHECK(ipc({"show", key_text}).code == 1);
  REQUIRE(sysv::Queue::create(key).has_value());
  CHECK_THAT(ipc({"show", key_text}).out, contains("0 messages"));
  CHECK_THAT(ipc({"show", key_text, "--json"}).out, contains("\"segment\": null"));
  ipc({"put", key_text, "7", R"(["x"])", "--create"});
  const std::string text = ipc({"show", key_text}).out;
  CHECK_THAT(text, contains("       7  array     18  [\"x\"]\n"));
  CHECK_THAT(text, contains("start 176, end 232, free 65304, total 65536 of 65536 bytes"));
  CHECK_THAT(text, contains("generation "));
  CHECK_THAT(text, contains("1 free, 0 handles, gate open"));
}

TEST_CASE_METHOD(Session,
                 "check tells a sound table, a damaged one, foreign bytes and none apart") {
  CHECK(ipc({"check", key_text}).code == 1);
  auto segment = sysv::Segment::create(key, 4096);
  CHECK(ipc({"check", key_text}).code == 65);
  auto variables = sysv::Variables::of(segment->bytes(), 1);
  variables.put(3, "i:5;");
  const support::Outcome sound = ipc({"check", key_text});
  CHECK(sound.code == 0);
  CHECK(sound.out == key_text + ": sound, 1 variables\n");
  segment->bytes()[sysv::layout::header::free] ^= std::byte{8};
  const support::Outcome damaged = ipc({"check", key_text});
  CHECK(damaged.code == 1);
  CHECK_THAT(damaged.out, contains("at 24: free is 3872; behind the end are 3880"));
  CHECK_THAT(ipc({"check", key_text, "--json"}).out, contains("\"offset\": 24"));
  CHECK_THAT(ipc({"show", key_text}).out, contains("NOT SOUND"));
}
