#include "sysv/queue.hpp"

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "interop/values.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/hex.hpp"
#include "support/program.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

using support::hex;
using support::php;
using sysv::Array;
using sysv::Cut;
using sysv::MessageType;
using sysv::Queue;
using sysv::Selection;
using sysv::serialize;
using sysv::unserialize;
using sysv::Value;

namespace {

constexpr MessageType one{1};

// For PHP: takes all messages of a selection out of $q; their bodies.
std::string taking(const std::string& wanted, const std::string& flags) {
  return "while (msg_receive($q, " + wanted + ", $type, 100, $m, false, MSG_IPC_NOWAIT | " + flags +
         ", $e)) echo \"$type $m, \"; " + "echo $e === MSG_ENOMSG ? 'none' : $e;";
}

// The same of ours.
std::string taken(const Queue& queue, Selection selection) {
  std::string text;
  while (const auto message = queue.try_receive(selection)) {
    text += std::to_string(static_cast<long>(message->type)) + " " + message->body + ", ";
  }
  return text + "none";
}

struct WithPhp : support::Scratch {
  std::string number = std::to_string(scratch.number());

  // Runs PHP code in which $q is the queue.
  std::string in_php(const std::string& code) const {
    return php("$q = msg_get_queue(" + number + ", 0600); " + code);
  }

  // In PHP, sends raw messages of types 3, 1, 2, 1 and 5.
  void fill() const {
    in_php(
        "foreach ([3 => 'a', 1 => 'b', 2 => 'c'] as $type => $m) msg_send($q, $type, $m, false); "
        "msg_send($q, 1, 'd', false); msg_send($q, 5, 'e', false);");
  }
};

struct Choice {
  Selection ours;
  std::string wanted;
  std::string flags;
};

const std::vector<Choice> choices = {
    {Selection::any(), "0", "0"},
    {Selection::of(one), "1", "0"},
    {Selection::of(MessageType{4}), "4", "0"},
    {Selection::up_to(MessageType{2}), "-2", "0"},
    {Selection::up_to(MessageType{9}), "-9", "0"},
    {Selection::except(one), "1", "MSG_EXCEPT"},
    {Selection::except(MessageType{4}), "4", "MSG_EXCEPT"},
};

}  // namespace

TEST_CASE_METHOD(WithPhp, "PHP receives our values as its own") {
  const Queue queue = Queue::open_or_create(key);
  for (const Value& value : {Value(), Value(true), Value(-5), Value(0.1), Value("a\"b"),
                             Value(Array{{"x", Array::list({1, 2.5})}})}) {
    queue.send(MessageType{7}, serialize(value));
  }
  CHECK(in_php("while (msg_receive($q, 0, $type, 100, $m, true, MSG_IPC_NOWAIT)) "
               "echo $type, json_encode($m), ' ';") ==
        R"(7null 7true 7-5 70.1 7"a\"b" 7{"x":[1,2.5]} )");
}

TEST_CASE_METHOD(WithPhp, "We receive PHP's values as it sent them, objects too") {
  in_php("msg_send($q, 3, ['x' => [1, 2.5], 5 => null]); msg_send($q, 3, new ArrayObject([1]));");
  const Queue queue = *Queue::open(key);
  const sysv::Message first = queue.receive();
  CHECK(first.type == MessageType{3});
  CHECK(unserialize(first.body) == Value(Array{{"x", Array::list({1, 2.5})}, {5, Value()}}));
  const std::string object = queue.receive().body;
  REQUIRE(unserialize(object).has_value());
  queue.send(one, serialize(*unserialize(object)));
  CHECK(in_php("msg_receive($q, 0, $type, 1000, $m); echo get_class($m), $m[0];") ==
        "ArrayObject1");
}

TEST_CASE_METHOD(WithPhp, "A value of every type that PHP sends we read, and PHP reads it back") {
  const support::Folder folder;
  support::Program peer(
      {"php", "-r",
       interop::values_of_every_type + "$q = msg_get_queue(" + number +
           ", 0600); foreach ($values as $i => $v) { msg_send($q, 1, $v); "
           "msg_receive($q, 2, $type, 10000, $back); if (serialize($back) !== serialize($v)) "
           "echo $i, ' differs '; }"},
      folder / "php.log");
  const Queue queue = Queue::open_or_create(key);
  for (int i = 0; i < interop::number_of_types; ++i) {
    CAPTURE(i);
    const auto message = queue.receive_within(std::chrono::seconds(10), Selection::of(one));
    REQUIRE(message.has_value());
    const auto value = unserialize(message->body);
    REQUIRE(value.has_value());
    queue.send(MessageType{2}, serialize(*value));
  }
  CHECK(peer.wait() == 0);
  CHECK(peer.log().empty());
}

// PHP asks for it by making one.
TEST_CASE("Where PHP up to 8.5 says that a queue of key 0 exists, there is none here") {
  CHECK_FALSE(Queue::exists(sysv::Key{0}));
  CHECK_FALSE(Queue::open(sysv::Key{0}).has_value());
}

TEST_CASE_METHOD(WithPhp, "Raw messages have the same bytes from PHP and from us") {
  in_php(
      "foreach (['text', \"\\0\\xff\", '', 5, -5, true, false, 1.5, 0.1234567891, 1e25, -0.0, "
      "-1e-7, INF, -INF, NAN] as $m) msg_send($q, 1, $m, false);");
  const Queue queue = *Queue::open(key);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Value& value :
       {Value("text"), Value(std::string("\0\xff", 2)), Value(""), Value(5), Value(-5), Value(true),
        Value(false), Value(1.5), Value(0.1234567891), Value(1e25), Value(-0.0), Value(-1e-7),
        Value(infinity), Value(-infinity), Value(std::numeric_limits<double>::quiet_NaN())}) {
    const auto message = queue.try_receive();
    REQUIRE(message.has_value());
    CHECK(message->body == sysv::raw(value));
  }
  CHECK_FALSE(queue.try_receive().has_value());
}

TEST_CASE_METHOD(WithPhp, "PHP receives our raw bytes, whatever they are") {
  const std::string bytes("a\0\xff\"", 4);
  Queue::open_or_create(key).send(one, bytes);
  CHECK(in_php("msg_receive($q, 0, $type, 100, $m, false); echo bin2hex($m);") == hex(bytes));
}

TEST_CASE_METHOD(WithPhp, "Every selection takes what PHP's takes, in its order") {
  for (const Choice& choice : choices) {
    CAPTURE(choice.wanted, choice.flags);
    fill();
    const std::string phps = in_php(taking(choice.wanted, choice.flags));
    in_php("msg_remove_queue($q);");
    fill();
    CHECK(taken(*Queue::open(key), choice.ours) == phps);
    in_php("msg_remove_queue($q);");
  }
}

TEST_CASE_METHOD(WithPhp,
                 "A message too long for PHP stays, and we take it or cut it as PHP would") {
  const std::string send = "msg_send($q, 1, str_repeat('x', 5000) . 'end', false); ";
  CHECK(in_php(send + "var_dump(msg_receive($q, 0, $type, 10, $m, false, 0, $e), $e);") ==
        "bool(false)\nint(7)\n");
  const Queue queue = *Queue::open(key);
  CHECK(queue.receive().body == std::string(5000, 'x').append("end"));
  const std::string phps =
      in_php(send + "msg_receive($q, 0, $type, 10, $m, false, MSG_NOERROR); echo $m;");
  in_php(send);
  CHECK(queue.receive(Selection::any(), Cut{10}).body == phps);
  CHECK(queue.status().messages == 0);
}

TEST_CASE_METHOD(WithPhp,
                 "A message that PHP could not decode and lost, we still have the bytes of") {
  in_php("msg_send($q, 1, 'a:1:{i:0', false);");
  const sysv::Message message = Queue::open(key)->receive();
  CHECK_FALSE(unserialize(message.body).has_value());
  CHECK(message.body == "a:1:{i:0");
}

TEST_CASE_METHOD(WithPhp,
                 "A queue that we filled is full for PHP, and one that PHP filled for us") {
  const Queue queue = Queue::open_or_create(key);
  queue.set({.capacity = 10});
  REQUIRE(queue.try_send(one, "1234567890"));
  CHECK(in_php("var_dump(@msg_send($q, 1, 'x', false, false, $e), $e === MSG_EAGAIN);") ==
        "bool(false)\nbool(true)\n");
  (void)queue.receive();
  in_php("msg_send($q, 1, '1234567890', false);");
  CHECK_FALSE(queue.try_send(one, "x"));
}

TEST_CASE_METHOD(WithPhp, "PHP and we read the same ten fields of a queue") {
  in_php("msg_send($q, 1, 'x'); msg_send($q, 1, 'y'); msg_receive($q, 0, $type, 100, $m);");
  const Queue::Status ours = Queue::open(key)->status();
  const auto seconds = [](std::chrono::sys_seconds time) {
    return time.time_since_epoch().count();
  };
  std::string text;
  for (const long field :
       {static_cast<long>(ours.uid), static_cast<long>(ours.gid), static_cast<long>(ours.access),
        seconds(ours.sent), seconds(ours.received), seconds(ours.changed),
        static_cast<long>(ours.messages), static_cast<long>(ours.capacity),
        static_cast<long>(ours.last_sender), static_cast<long>(ours.last_receiver)}) {
    text += std::to_string(field) + " ";
  }
  CHECK(text == in_php("foreach (msg_stat_queue($q) as $field) echo \"$field \";"));
}

TEST_CASE_METHOD(WithPhp, "What PHP sets of a queue we read, and the other way round") {
  in_php("msg_set_queue($q, ['msg_perm.mode' => 0640, 'msg_qbytes' => 4000]);");
  const Queue queue = *Queue::open(key);
  CHECK(queue.status().access == sysv::Access{0640});
  CHECK(queue.status().capacity == 4000);
  queue.set({.access = sysv::Access{0660}, .capacity = 5000});
  CHECK(
      in_php("$s = msg_stat_queue($q); printf('%o %d', $s['msg_perm.mode'], $s['msg_qbytes']);") ==
      "660 5000");
}

TEST_CASE_METHOD(WithPhp, "A queue exists for PHP when it does for us, and is removed for both") {
  const std::string exists = "var_dump(msg_queue_exists(" + number + "));";
  CHECK(php(exists) == "bool(false)\n");
  const Queue queue = Queue::open_or_create(key);
  CHECK(php(exists) == "bool(true)\n");
  in_php("msg_remove_queue($q);");
  CHECK_FALSE(Queue::exists(key));
  CHECK_THROWS_AS(queue.try_send(one, "x"), sysv::Removed);
  Queue::open_or_create(key).remove();
  CHECK(php(exists) == "bool(false)\n");
}

TEST_CASE_METHOD(WithPhp, "A PHP process that waits gets what we send, and answers") {
  const Queue queue = Queue::open_or_create(key);
  const support::Folder folder;
  support::Program peer({"php", "-r",
                         "$q = msg_get_queue(" + number +
                             "); msg_receive($q, 1, $type, 100, $m); msg_send($q, 2, $m + 1);"},
                        folder / "php.log");
  queue.send(one, serialize(41));
  CHECK(unserialize(queue.receive(Selection::of(MessageType{2})).body) == Value(42));
  CHECK(peer.wait() == 0);
}
