#include "ctl/editing.hpp"

#include "support/catch.hpp"
#include "support/session.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/variables.hpp"

using support::contains;
using support::Session;

TEST_CASE_METHOD(Session, "put makes nothing unless --create, then segment and set") {
  CHECK(ipc({"put", key_text, "0", "5"}).code == 1);
  CHECK_FALSE(sysv::Segment::open(key).has_value());
  CHECK(ipc({"put", key_text, "0", "5", "--create", "--size", "4096", "--mode", "0640"}).code == 0);
  CHECK(sysv::Segment::open(key)->bytes().size() == 4096);
  CHECK(sysv::Semaphore::status(key)->free_places == 1);
  CHECK(ipc({"get", key_text, "0"}).out == "5\n");
}

TEST_CASE_METHOD(Session, "get prints JSON, serialize text or a bare string, as it is asked") {
  ipc({"put", key_text, "7", R"({"a":"x"})", "--create"});
  ipc({"put", key_text, "-8", "\"tea \\\"x\\\"\""});
  CHECK(ipc({"get", key_text, "7"}).out == "{\"a\":\"x\"}\n");
  CHECK(ipc({"get", key_text, "7", "--raw"}).out == "a:1:{s:1:\"a\";s:1:\"x\";}\n");
  CHECK(ipc({"get", key_text, "-8", "--text"}).out == "tea \"x\"\n");
  CHECK(ipc({"get", key_text, "-8"}).out == "\"tea \\\"x\\\"\"\n");
  CHECK(ipc({"get", key_text, "9"}).code == 1);
}

TEST_CASE_METHOD(Session, "A value that is none is refused before anything is made") {
  CHECK(ipc({"put", key_text, "0", "hello", "--create"}).code == 64);
  CHECK(ipc({"put", key_text, "0", "i:5", "--raw", "--create"}).code == 64);
  CHECK_FALSE(sysv::Segment::open(key).has_value());
  CHECK(ipc({"put", key_text, "0", "i:+5;", "--raw", "--create"}).code == 0);
  CHECK(ipc({"get", key_text, "0", "--raw"}).out == "i:+5;\n");
}

TEST_CASE_METHOD(Session, "A variable is removed with consent alone, and once") {
  ipc({"put", key_text, "0", "5", "--create"});
  const support::Outcome refused = ipc({"remove", key_text, "0"});
  CHECK(refused.code == 64);
  CHECK_THAT(refused.err, contains("remove variable 0 of key " + key_text + ", whose value is 5"));
  is_terminal = true;
  answer = "n\n";
  CHECK(ipc({"remove", key_text, "0"}).code == 1);
  CHECK(ipc({"get", key_text, "0"}).code == 0);
  answer = "y\n";
  CHECK(ipc({"remove", key_text, "0"}).code == 0);
  CHECK(ipc({"get", key_text, "0"}).code == 1);
  CHECK(ipc({"remove", key_text, "0", "--yes"}).code == 1);
}

TEST_CASE_METHOD(Session, "Without room the old value stays, and the code tells") {
  ipc({"put", key_text, "0", "5", "--create", "--size", "300"});
  CHECK(ipc({"put", key_text, "0", "\"" + std::string(300, 'x') + "\""}).code == 69);
  CHECK(ipc({"get", key_text, "0"}).out == "5\n");
}

TEST_CASE_METHOD(Session, "A value that PHP could not read is printed with --raw alone") {
  ipc({"put", key_text, "0", "5", "--create"});
  const auto segment = sysv::Segment::open(key);
  sysv::Variables(segment->bytes()).put(0, "junk");
  CHECK(ipc({"get", key_text, "0"}).code == 65);
  CHECK(ipc({"get", key_text, "0", "--raw"}).out == "junk\n");
}
