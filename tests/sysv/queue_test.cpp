#include "sysv/queue.hpp"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"

using namespace std::chrono_literals;
using support::in_child;
using support::Scratch;
using sysv::Cut;
using sysv::Key;
using sysv::MessageType;
using sysv::Queue;
using sysv::Selection;

namespace {

constexpr MessageType one{1};

// A queue with messages of types 3, 1, 2 and 1, named in their order.
struct WithMessages : Scratch {
  Queue queue = Queue::open_or_create(key);

  WithMessages() {
    queue.send(MessageType{3}, "three");
    queue.send(MessageType{1}, "one");
    queue.send(MessageType{2}, "two");
    queue.send(MessageType{1}, "another one");
  }

  // The bodies in the order in which they come, and how many stay.
  std::string taken(Selection selection) const {
    std::string bodies;
    while (const auto message = queue.try_receive(selection)) bodies += message->body + ", ";
    return bodies + std::to_string(queue.status().messages) + " left";
  }
};

std::size_t longest_body() {
  std::size_t size = 0;
  std::ifstream("/proc/sys/kernel/msgmax") >> size;
  return size;
}

const support::Signpost* interrupted_here = nullptr;

void reach_signpost(int) { interrupted_here->reach(); }

// A child that fell asleep in `act`, and got a signal there, by the end of the constructor.
struct Interrupted {
  support::Signpost ready;
  support::Signpost interrupted;
  support::Child child;

  explicit Interrupted(const std::function<int()>& act) : child([&] { return body(act); }) {
    ready.wait_for();
    support::eventually([&] { return support::is_in_state(child.pid(), 'S'); });
    child.signal(SIGUSR1);
    interrupted.wait_for();
    support::eventually(
        [&] { return support::is_in_state(child.pid(), 'S') || child.has_ended(); });
  }

  int body(const std::function<int()>& act) const {
    interrupted_here = &interrupted;
    struct sigaction action {};
    action.sa_handler = reach_signpost;
    sigaction(SIGUSR1, &action, nullptr);
    ready.reach();
    return act();
  }
};

// For a child: what `receive` or `send` does when the queue goes.
template <class Act>
int ends_with_removed(const support::Signpost& waiting, Act act) {
  waiting.reach();
  try {
    act();
  } catch (const sysv::Removed&) {
    return 7;
  }
  return 0;
}

}  // namespace

TEST_CASE_METHOD(Scratch, "Where there is no queue, opening finds none and makes none") {
  CHECK_FALSE(Queue::open(key).has_value());
  CHECK_FALSE(Queue::exists(key));
  CHECK_FALSE(Queue::open(key).has_value());
}

TEST_CASE_METHOD(Scratch, "A new queue is empty and as private as asked") {
  const auto queue = Queue::create(key);
  REQUIRE(queue.has_value());
  CHECK(Queue::exists(key));
  CHECK(queue->status().access == sysv::owner_only);
  CHECK(queue->status().messages == 0);
  CHECK_FALSE(queue->try_receive().has_value());
}

TEST_CASE_METHOD(Scratch, "Of two that create a queue one gets it, the other can open it") {
  const auto first = Queue::create(key);
  REQUIRE(first.has_value());
  CHECK_FALSE(Queue::create(key).has_value());
  REQUIRE(Queue::open(key).has_value());
  CHECK(Queue::open(key)->id() == first->id());
}

TEST_CASE_METHOD(Scratch, "Opening or creating makes a queue once, and takes it as it is then") {
  const Queue first = Queue::open_or_create(key, sysv::Access{0640});
  const Queue second = Queue::open_or_create(key, sysv::everyone);
  CHECK(second.id() == first.id());
  CHECK(second.status().access == sysv::Access{0640});
}

TEST_CASE("Key 0 is no queue's key, and makes a private one each time") {
  CHECK_FALSE(Queue::exists(Key{0}));
  CHECK_FALSE(Queue::open(Key{0}).has_value());
  const Queue first = Queue::open_or_create(Key{0});
  const Queue second = Queue::open_or_create(Key{0});
  CHECK(first.id() != second.id());
  CHECK(first.status().access == sysv::owner_only);
  first.remove();
  second.remove();
}

TEST_CASE_METHOD(Scratch, "Any bytes are received as they were sent, none at all too") {
  const Queue queue = Queue::open_or_create(key);
  const std::string bytes("a\0\xff\"", 4);
  queue.send(MessageType{7}, bytes);
  queue.send(one, "");
  const sysv::Message first = queue.receive();
  CHECK(first.body == bytes);
  CHECK(first.type == MessageType{7});
  CHECK(queue.receive().body.empty());
}

TEST_CASE_METHOD(WithMessages, "Without a selection the oldest message comes first") {
  CHECK(taken(Selection::any()) == "three, one, two, another one, 0 left");
}

TEST_CASE_METHOD(WithMessages, "Of one type the oldest comes first, and the others stay") {
  CHECK(taken(Selection::of(one)) == "one, another one, 2 left");
  CHECK(taken(Selection::of(MessageType{9})) == "2 left");
}

TEST_CASE_METHOD(WithMessages, "Up to a type the lowest type comes first") {
  CHECK(taken(Selection::up_to(MessageType{2})) == "one, another one, two, 1 left");
}

TEST_CASE_METHOD(WithMessages, "Except for a type the oldest comes first, and that type stays") {
  CHECK(taken(Selection::except(one)) == "three, two, 2 left");
}

TEST_CASE_METHOD(Scratch, "A type below 1 is refused, sent or selected") {
  const Queue queue = Queue::open_or_create(key);
  for (const MessageType type : {MessageType{0}, MessageType{-1}}) {
    CHECK_THROWS_AS(queue.try_send(type, "x"), std::invalid_argument);
    CHECK_THROWS_AS(Selection::of(type), std::invalid_argument);
    CHECK_THROWS_AS(Selection::up_to(type), std::invalid_argument);
    CHECK_THROWS_AS(Selection::except(type), std::invalid_argument);
  }
}

TEST_CASE_METHOD(Scratch,
                 "A message of any length is received whole, and nothing waits behind it") {
  const Queue queue = Queue::open_or_create(key);
  for (const std::size_t size : {std::size_t{1023}, std::size_t{1024}, std::size_t{1025},
                                 std::size_t{5000}, longest_body()}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    REQUIRE(queue.try_send(one, body));
    CHECK(queue.try_receive()->body == body);
  }
}

TEST_CASE_METHOD(Scratch, "A cut message loses its end and is gone, a shorter one is whole") {
  const Queue queue = Queue::open_or_create(key);
  std::string body(3003, 'x');
  body.replace(3000, 3, "end");
  for (const std::size_t cut : {std::size_t{0}, std::size_t{10}, std::size_t{1024},
                                std::size_t{2999}, std::size_t{3003}, std::size_t{4000}}) {
    CAPTURE(cut);
    queue.send(one, body);
    CHECK(queue.try_receive(Selection::any(), Cut{cut})->body == body.substr(0, cut));
    CHECK_FALSE(queue.try_receive().has_value());
  }
}

TEST_CASE_METHOD(Scratch, "A full queue takes nothing, now or later, until there is room") {
  const Queue queue = Queue::open_or_create(key);
  queue.set({.capacity = 10});
  REQUIRE(queue.try_send(one, "12345678"));
  CHECK_FALSE(queue.try_send(one, "123"));
  CHECK_FALSE(queue.send_within(5ms, one, "123"));
  CHECK(queue.status().messages == 1);
  REQUIRE(queue.try_receive().has_value());
  CHECK(queue.try_send(one, "123"));
}

TEST_CASE_METHOD(Scratch, "Waiting for a message ends at its deadline, without one") {
  const Queue queue = Queue::open_or_create(key);
  CHECK_FALSE(queue.receive_within(5ms).has_value());
  CHECK_FALSE(queue.receive_within(0ms).has_value());
  CHECK_FALSE(queue.receive_within(-1ms).has_value());
  queue.send(one, "x");
  CHECK_FALSE(queue.receive_within(5ms, Selection::of(MessageType{2})).has_value());
  CHECK(queue.receive_within(0ms)->body == "x");
}

TEST_CASE_METHOD(Scratch, "The longest patience there is waits until a message comes") {
  const Queue queue = Queue::open_or_create(key);
  const support::Signpost waiting;
  support::Child receiver([&] {
    waiting.reach();
    const auto message = queue.receive_within(std::chrono::milliseconds::max());
    return message && message->body == "x" ? 7 : 0;
  });
  waiting.wait_for();
  REQUIRE(support::eventually([&] { return support::is_in_state(receiver.pid(), 'S'); }));
  queue.send(one, "x");
  CHECK(receiver.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A waiting receiver gets the message that comes, even one that is long") {
  const Queue queue = Queue::open_or_create(key);
  const std::string body(5000, 'x');
  support::Child receiver([&] { return queue.receive().body == body ? 7 : 0; });
  REQUIRE(support::eventually([&] { return support::is_in_state(receiver.pid(), 'S'); }));
  queue.send(one, body);
  CHECK(receiver.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A waiting sender gets the room that comes free") {
  const Queue queue = Queue::open_or_create(key);
  queue.set({.capacity = 10});
  queue.send(one, "1234567890");
  support::Child sender([&] {
    queue.send(one, "kernel");
    return queue.send_within(10s, one, "us") ? 7 : 0;
  });
  REQUIRE(support::eventually([&] { return support::is_in_state(sender.pid(), 'S'); }));
  CHECK(queue.receive().body == "1234567890");
  CHECK(queue.receive().body == "kernel");
  CHECK(queue.receive().body == "us");
  CHECK(sender.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A signal does not end the wait for a message") {
  const Queue queue = Queue::open_or_create(key);
  Interrupted receiver([&] { return queue.receive().body == "x" ? 7 : 0; });
  queue.send(one, "x");
  CHECK(receiver.child.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A signal does not end the wait for room") {
  const Queue queue = Queue::open_or_create(key);
  queue.set({.capacity = 1});
  queue.send(one, "x");
  Interrupted sender([&] {
    queue.send(one, "y");
    return 7;
  });
  (void)queue.receive();
  CHECK(sender.child.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A queue that is removed under a receiver is an error, not a hang") {
  const Queue queue = Queue::open_or_create(key);
  const support::Signpost waiting;
  support::Child in_kernel(
      [&] { return ends_with_removed(waiting, [&] { (void)queue.receive(); }); });
  support::Child patient(
      [&] { return ends_with_removed(waiting, [&] { (void)queue.receive_within(1h); }); });
  waiting.wait_for();
  waiting.wait_for();
  queue.remove();
  CHECK(in_kernel.wait() == 7);
  CHECK(patient.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "A queue that is removed under a sender is an error, not a hang") {
  const Queue queue = Queue::open_or_create(key);
  queue.set({.capacity = 1});
  queue.send(one, "x");
  const support::Signpost waiting;
  support::Child in_kernel(
      [&] { return ends_with_removed(waiting, [&] { queue.send(one, "x"); }); });
  support::Child patient(
      [&] { return ends_with_removed(waiting, [&] { (void)queue.send_within(1h, one, "x"); }); });
  waiting.wait_for();
  waiting.wait_for();
  queue.remove();
  CHECK(in_kernel.wait() == 7);
  CHECK(patient.wait() == 7);
}

TEST_CASE_METHOD(Scratch, "Whatever is asked of a removed queue, it is said to be removed") {
  const Queue queue = Queue::open_or_create(key);
  queue.remove();
  CHECK_FALSE(Queue::exists(key));
  CHECK_THROWS_AS(queue.try_send(one, "x"), sysv::Removed);
  CHECK_THROWS_AS(queue.try_receive(), sysv::Removed);
  CHECK_THROWS_AS(queue.status(), sysv::Removed);
  CHECK_THROWS_AS(queue.set({}), sysv::Removed);
  CHECK_THROWS_AS(queue.remove(), sysv::Removed);
  CHECK_THROWS_WITH(queue.try_receive(), support::contains("msgrcv: key " + text_of(key)));
}

TEST_CASE_METHOD(Scratch, "A body longer than the kernel takes is an error that names the limit") {
  const Queue queue = Queue::open_or_create(key);
  const std::string body(longest_body() + 1, 'x');
  CHECK_THROWS_WITH(queue.try_send(one, body), support::contains("kernel.msgmax"));
  CHECK_THROWS_WITH(queue.try_send(one, body), support::contains(std::to_string(body.size())));
  try {
    queue.send(one, body);
    FAIL("it was sent");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::invalid_argument);
  }
}

TEST_CASE_METHOD(Scratch, "The status tells who did what and when") {
  const Queue queue = Queue::open_or_create(key);
  const Queue::Status fresh = queue.status();
  CHECK(fresh.uid == geteuid());
  CHECK(fresh.gid == getegid());
  CHECK(fresh.sent == std::chrono::sys_seconds{});
  CHECK(fresh.received == std::chrono::sys_seconds{});
  CHECK(fresh.changed > std::chrono::sys_seconds{});
  CHECK(fresh.last_sender == 0);
  CHECK(fresh.last_receiver == 0);

  REQUIRE(in_child([&] { return queue.try_send(one, "x") && queue.try_send(one, "y") ? 7 : 0; }) ==
          7);
  (void)queue.receive();
  const Queue::Status used = queue.status();
  CHECK(used.messages == 1);
  CHECK(used.sent >= fresh.changed);
  CHECK(used.received >= used.sent);
  CHECK(used.last_sender > 0);
  CHECK(used.last_sender != getpid());
  CHECK(used.last_receiver == getpid());
}

TEST_CASE_METHOD(Scratch, "Only what is given is changed") {
  const Queue queue = Queue::open_or_create(key);
  const Queue::Status before = queue.status();
  queue.set({.access = sysv::Access{0640}});
  CHECK(queue.status().access == sysv::Access{0640});
  CHECK(queue.status().capacity == before.capacity);
  queue.set({.capacity = 100});
  CHECK(queue.status().access == sysv::Access{0640});
  CHECK(queue.status().capacity == 100);
  CHECK(queue.status().uid == before.uid);
  CHECK(queue.status().gid == before.gid);
}

TEST_CASE_METHOD(Scratch, "A queue given to another user keeps us out, with a reason") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const Queue queue = Queue::open_or_create(key);
  queue.set({.uid = 65534, .gid = 65534});
  CHECK(queue.status().uid == 65534);
  CHECK(queue.status().gid == 65534);
  CHECK(in_child([&] {
          if (setgid(65533) != 0 || setuid(65533) != 0) return 1;
          if (!Queue::exists(key)) return 2;
          try {
            (void)Queue::open(key)->try_receive();
          } catch (const std::system_error& error) {
            return error.code() == std::errc::permission_denied ? 7 : 8;
          }
          return 0;
        }) == 7);
}

TEST_CASE_METHOD(Scratch, "A user that cannot be is an error, not a removed queue") {
  const Queue queue = Queue::open_or_create(key);
  try {
    queue.set({.uid = static_cast<uid_t>(-1)});
    FAIL("it was set");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::invalid_argument);
  }
}

TEST_CASE_METHOD(Scratch, "A queue and its messages outlive every handle") {
  { Queue::open_or_create(key).send(one, "x"); }
  REQUIRE(Queue::open(key).has_value());
  CHECK(Queue::open(key)->receive().body == "x");
}
