#include "ctl/messages.hpp"

#include "support/catch.hpp"
#include "support/session.hpp"
#include "sysv/queue.hpp"
#include "sysv/value.hpp"

using support::contains;
using support::Session;
using sysv::MessageType;
using sysv::Queue;

TEST_CASE_METHOD(Session, "A message is sent as PHP's value, and received as one") {
  CHECK(ipc({"send", key_text, "3", "[1,\"x\"]"}).code == 1);
  CHECK(ipc({"send", key_text, "3", "[1,\"x\"]", "--create"}).code == 0);
  CHECK(ipc({"receive", key_text}).out == "3  [1,\"x\"]\n");
  const support::Outcome none = ipc({"receive", key_text});
  CHECK(none.code == 1);
  CHECK(none.out.empty());
}

TEST_CASE_METHOD(Session, "A message that does not decode is shown as its bytes") {
  const auto queue = Queue::create(key);
  REQUIRE(queue->try_send(MessageType{2}, "\xff!"));
  REQUIRE(queue->try_send(MessageType{2}, "tea"));
  REQUIRE(queue->try_send(MessageType{2}, "tea"));
  CHECK(ipc({"receive", key_text}).out == "2  bytes {\"hex\":\"ff21\"}\n");
  CHECK(ipc({"receive", key_text, "--json"}).out == "{\"type\":2,\"bytes\":\"tea\"}\n");
  CHECK(ipc({"receive", key_text, "--raw"}).out == "tea\n");
}

TEST_CASE_METHOD(Session, "A receiver may choose by type") {
  const auto queue = Queue::create(key);
  for (const long type : {3, 1, 2}) REQUIRE(queue->try_send(MessageType{type}, "i:0;"));
  CHECK(ipc({"receive", key_text, "--type", "4"}).code == 1);
  CHECK(ipc({"receive", key_text, "--type", "-3"}).out == "1  0\n");
  CHECK(ipc({"receive", key_text, "--type=2"}).out == "2  0\n");
  CHECK(ipc({"receive", key_text, "--type", "x"}).code == 64);
}

TEST_CASE_METHOD(Session, "Who follows gets everything until interrupted, and done is the answer") {
  const auto queue = Queue::create(key);
  int sent = 0;
  at = [&] {
    if (sent < 3) CHECK(queue->try_send(MessageType{1}, sysv::serialized(++sent)));
  };
  looks = 10;
  const support::Outcome outcome = ipc({"receive", key_text, "--follow", "--json"});
  CHECK(outcome.code == 0);
  CHECK(outcome.out ==
        "{\"type\":1,\"value\":1}\n{\"type\":1,\"value\":2}\n{\"type\":1,\"value\":3}\n");
}

TEST_CASE_METHOD(Session, "An interrupted receiver leaves the message in the queue") {
  const auto queue = Queue::create(key);
  REQUIRE(queue->try_send(MessageType{1}, "i:5;"));
  looks = 0;
  CHECK(ipc({"receive", key_text}).code == 1);
  CHECK(queue->status().messages == 1);
}

TEST_CASE_METHOD(Session,
                 "A message that nobody would read is not taken, and what is left is said") {
  const auto queue = Queue::create(key);
  REQUIRE(queue->try_send(MessageType{1}, "i:5;"));
  has_reader = false;
  const support::Outcome outcome = ipc({"receive", key_text, "--follow"});
  CHECK(outcome.code == 74);
  CHECK_THAT(outcome.err, contains("are 1 messages now"));
  CHECK(queue->status().messages == 1);
}

TEST_CASE_METHOD(Session, "A message that could not be printed goes back") {
  const auto queue = Queue::create(key);
  REQUIRE(queue->try_send(MessageType{3}, "i:5;"));
  can_print = false;
  const support::Outcome outcome = ipc({"receive", key_text});
  CHECK(outcome.code == 74);
  CHECK_THAT(outcome.err, contains("went back") && contains("are 1 messages now"));
  const auto message = queue->try_receive();
  REQUIRE(message.has_value());
  CHECK(message->type == MessageType{3});
  CHECK(message->body == "i:5;");
}

TEST_CASE_METHOD(Session, "A message that can neither be printed nor go back is told") {
  const auto queue = Queue::create(key);
  REQUIRE(queue->try_send(MessageType{3}, "i:5;"));
  queue->set({.capacity = 2});
  can_print = false;
  const support::Outcome outcome = ipc({"receive", key_text});
  CHECK(outcome.code == 74);
  CHECK_THAT(outcome.err, contains("cannot go back: 3  5"));
}

TEST_CASE_METHOD(Session, "A full queue is a reason to come back later") {
  const auto queue = Queue::create(key);
  queue->set({.capacity = 10});
  CHECK(ipc({"send", key_text, "1", "--raw", "12345678"}).code == 0);
  CHECK(ipc({"send", key_text, "1", "--raw", "12345678"}).code == 75);
  CHECK(ipc({"send", key_text, "1", "--raw", "12"}).code == 0);
  CHECK(ipc({"send", key_text, "0", "5"}).code == 64);
}
