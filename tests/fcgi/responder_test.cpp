#include "fcgi/responder.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "os/listener.hpp"
#include "os/relay.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/limits.hpp"
#include "support/records.hpp"
#include "support/shared.hpp"

using namespace std::chrono_literals;
using support::answer_on;
using support::ends;
using support::get_request;
using support::KeepConnection;

namespace {

struct Count {
  std::atomic<int> requests{0};
  std::atomic<int> turned_away{0};
  std::atomic<int> abandoned{0};
};

// One worker, a child, at a socket of its own. A request of /slow is answered when the test says
// so.
struct Service {
  support::Folder folder;
  os::Listener listener{{.address = folder / "visits.sock"}};
  support::Shared<Count> count;
  support::Signpost begun;
  support::Signpost go_on;
  std::optional<os::Relay> relay{};
  int most_answers = 0;  // then it retires; 0: never
  std::optional<support::Child> worker{};

  void start(fcgi::TimeLimits limits = {}, int most_connections = 100) {
    worker.emplace([this, limits, most_connections] { return work(limits, most_connections); });
  }

  // 0: it stopped; 1: it retired; 2: its handler threw, some time ago.
  int work(fcgi::TimeLimits limits, int most_connections) {
    os::block_signals();
    const os::Descriptor stop = os::signal_descriptor({SIGTERM, SIGQUIT});
    const auto ending = [] {
      sigset_t pending{};
      sigpending(&pending);
      return sigismember(&pending, SIGTERM) == 1 ? fcgi::Ending::stop : fcgi::Ending::retire;
    };
    int answers = 0;
    fcgi::Responder responder({.listen_fd = listener.fd(),
                               .stop_fd = stop.get(),
                               .limits = limits,
                               .relay = relay ? &*relay : nullptr,
                               .ending = ending,
                               .spent = [&] { return ++answers == most_answers; },
                               .turn_away = [this] { ++count->turned_away; },
                               .abandon = [this] { ++count->abandoned; }});
    support::leave_room_for(most_connections);
    try {
      const auto ended =
          responder.run([this](const auto& request, auto& response) { answer(request, response); });
      return ended == fcgi::Ending::stop ? 0 : 1;
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(100ms);
      return 2;
    }
  }

  void answer(const http::Request& request, http::Response& response) const {
    ++count->requests;
    if (request.path() == "/slow") {
      begun.reach();
      go_on.wait_for();
    }
    if (request.path() == "/throw") throw std::runtime_error("thrown");
    if (request.path() == "/work") std::this_thread::sleep_for(5ms);
    response.body = request.target;
  }

  os::Descriptor connect() const { return support::connection_to(listener.fd()); }

  // A new connection on which a request was sent.
  os::Descriptor ask(const std::string& target, KeepConnection keep = KeepConnection::yes) const {
    os::Descriptor client = connect();
    support::send(client.get(), get_request(target, keep));
    return client;
  }

  // A connection that is kept after an answer.
  os::Descriptor keep_one() const {
    os::Descriptor client = ask("/kept");
    REQUIRE(support::answer_on(client.get()) == http::cgi_text({.body = "/kept"}));
    return client;
  }

  // A connection whose request the worker is busy with.
  os::Descriptor keep_busy() const {
    os::Descriptor client = ask("/slow");
    REQUIRE(begun.reached_within(10000));
    return client;
  }

  // The exit code of a worker that ends, -1 of one that does not.
  int end() {
    return support::eventually([this] { return worker->has_ended(); }) ? worker->wait() : -1;
  }
};

// A POST with a body of so many bytes.
std::string upload(const std::string& target, std::size_t size) {
  return support::begin(KeepConnection::yes) +
         support::params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", target}}) +
         support::in(std::string(size, 'x'));
}

// The bytes, and a descriptor with them (unix(7), SCM_RIGHTS).
void send_with_descriptor(int socket, std::string bytes) {
  std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec content{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const descriptor = CMSG_FIRSTHDR(&message);
  descriptor->cmsg_len = CMSG_LEN(sizeof socket);
  descriptor->cmsg_level = SOL_SOCKET;
  descriptor->cmsg_type = SCM_RIGHTS;
  std::memcpy(CMSG_DATA(descriptor), &socket, sizeof socket);
  REQUIRE(sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

// Bytes that were sent and not taken by the other side; 0, too, once that has closed.
int unread_on(const os::Descriptor& client) {
  int bytes = 0;
  ioctl(client.get(), SIOCOUTQ, &bytes);
  return bytes;
}

std::optional<std::string> answer_with(const std::string& body) {
  return http::cgi_text({.body = body});
}

}  // namespace

TEST_CASE_METHOD(Service, "Kept connections that idle keep nobody waiting for the one worker") {
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 32; ++i) {
    kept.push_back(keep_one());
  }
  CHECK(answer_on(ask("/new").get()) == answer_with("/new"));
  for (const os::Descriptor& client : kept) {
    support::send(client.get(), get_request("/again"));
    REQUIRE(answer_on(client.get()) == answer_with("/again"));
  }
  CHECK(count->requests == 65);
}

TEST_CASE_METHOD(Service, "A connection that says nothing keeps nobody waiting") {
  start();
  const os::Descriptor silent = connect();
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
  support::send(silent.get(), get_request("/at-last"));
  CHECK(answer_on(silent.get()) == answer_with("/at-last"));
}

TEST_CASE_METHOD(Service, "Requests that come slowly keep nobody waiting, and end in time") {
  start({.read = 300ms});
  std::vector<os::Descriptor> slow;
  for (const std::size_t bytes : {1U, 8U, 30U, 60U}) {
    slow.push_back(connect());
    support::send(slow.back().get(), get_request("/slow-to-come").substr(0, bytes));
  }
  const os::Descriptor body = connect();
  support::send(body.get(), upload("/body", 300'000).substr(0, 200'000));
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
  for (const os::Descriptor& client : slow) CHECK(ends(client.get()));
  CHECK(ends(body.get()));
  CHECK(count->requests == 1);
}

TEST_CASE_METHOD(Service, "A byte now and then does not prolong a request's time") {
  start({.read = 200ms});
  const os::Descriptor slow = connect();
  const std::string request = get_request("/slow-to-come");
  std::size_t sent = 0;
  while (sent < request.size() && !support::is_readable(slow.get())) {
    ::send(slow.get(), &request[sent++], 1, MSG_NOSIGNAL);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(sent < request.size());
  CHECK(count->requests == 0);
}

TEST_CASE_METHOD(Service, "A body larger than any buffer is taken as it comes, and answered") {
  start();
  const os::Descriptor client = connect();
  support::send(client.get(), upload("/large", 5'000'000));
  CHECK(answer_on(client.get()) == answer_with("/large"));
  support::send(client.get(), get_request("/next"));
  CHECK(answer_on(client.get()) == answer_with("/next"));
}

// The worker hears of the half request and of its end at once.
TEST_CASE_METHOD(Service, "A request that is cut short ends its connection, whatever time it has") {
  start({.read = 1h});
  const os::Descriptor client = keep_one();
  support::halt(worker->pid());
  support::send(client.get(), get_request("/half").substr(0, 20));
  shutdown(client.get(), SHUT_WR);
  worker->signal(SIGCONT);
  CHECK(ends(client.get()));
}

// The worker's buffer has 65536 bytes: those of the first request fill it, and the next one waits.
TEST_CASE_METHOD(Service, "A request that fills the buffer hides no other behind it") {
  start();
  const os::Descriptor client = keep_one();
  const std::size_t rest = upload("/full", 60'000).size() - 60'000;
  const std::string full = upload("/full", 65'536 - rest);
  REQUIRE(full.size() == 65'536);
  support::halt(worker->pid());
  support::send(client.get(), full + get_request("/next"));
  worker->signal(SIGCONT);
  CHECK(answer_on(client.get()) == answer_with("/full"));
  CHECK(answer_on(client.get()) == answer_with("/next"));
}

// The kernel ends a read behind bytes that came with a descriptor. A connection that seems to idle
// would keep those behind it from being closed.
TEST_CASE_METHOD(Service, "A request behind a descriptor that nobody wants is heard in the end") {
  start({.idle = 50ms});
  const os::Descriptor client = keep_one();
  support::halt(worker->pid());
  send_with_descriptor(client.get(), get_request("/first"));
  support::send(client.get(), get_request("/second"));
  worker->signal(SIGCONT);
  CHECK(answer_on(client.get()) == answer_with("/first"));
  CHECK(answer_on(client.get()) == answer_with("/second"));
}

// While the worker is busy for longer than a request may take to come.
TEST_CASE_METHOD(Service, "A request that came in time is answered, however late it is heard") {
  start({.read = 100ms});
  const os::Descriptor first = keep_busy();
  const std::string request = upload("/patient", 100'000);
  const os::Descriptor patient = connect();
  go_on.reach();
  CHECK(answer_on(first.get()) == answer_with("/slow"));
  support::send(patient.get(), request.substr(0, 50));
  REQUIRE(support::eventually([&] { return unread_on(patient) == 0; }));
  support::send(first.get(), get_request("/slow"));
  REQUIRE(begun.reached_within(10000));
  support::send(patient.get(), request.substr(50));
  std::this_thread::sleep_for(150ms);
  go_on.reach();
  CHECK(answer_on(patient.get()) == answer_with("/patient"));
}

TEST_CASE_METHOD(Service,
                 "Answers that nobody takes end their connection, and keep nobody waiting") {
  start({.write = 60s});
  const os::Descriptor greedy = connect();
  const std::string request = get_request("/" + std::string(2000, 'x'));
  for (int i = 0; i < 1000; ++i) {
    if (::send(greedy.get(), request.data(), request.size(), MSG_NOSIGNAL) <= 0) break;
    if (!support::eventually([&] { return unread_on(greedy) == 0; })) break;
  }
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
}

// The worker stands still while the requests come, so that it hears of all of them at once.
TEST_CASE_METHOD(Service, "A request that is given up while another is answered is not handled") {
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(keep_one());
  }
  support::halt(worker->pid());
  for (const os::Descriptor& client : kept) support::send(client.get(), get_request("/slow"));
  worker->signal(SIGCONT);
  REQUIRE(begun.reached_within(10000));
  for (os::Descriptor& client : kept) client.close();
  go_on.reach();
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
  CHECK(count->requests == 3 + 1 + 1);
  CHECK(count->abandoned == 2);
}

TEST_CASE_METHOD(Service, "A request that its web server has given up is not handled") {
  start();
  const os::Descriptor first = keep_busy();
  ask("/given-up").close();
  const os::Descriptor second = ask("/");
  go_on.reach();
  CHECK(answer_on(first.get()) == answer_with("/slow"));
  CHECK(answer_on(second.get()) == answer_with("/"));
  CHECK(count->requests == 2);
}

TEST_CASE_METHOD(Service, "A stop answers what waits in the backlog, and ends") {
  start();
  const os::Descriptor first = keep_busy();
  std::vector<os::Descriptor> waiting;
  for (int i = 0; i < 8; ++i) waiting.push_back(ask("/waiting"));
  worker->signal(SIGTERM);
  go_on.reach();
  CHECK(answer_on(first.get()) == answer_with("/slow"));
  for (const os::Descriptor& client : waiting) {
    CHECK(answer_on(client.get()) == answer_with("/waiting"));
    CHECK(ends(client.get()));
  }
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Service, "A stop waits a moment for the request of a connection that just came") {
  start();
  const os::Descriptor first = keep_busy();
  const os::Descriptor late = connect();
  worker->signal(SIGTERM);
  go_on.reach();
  support::send(late.get(), get_request("/late"));
  CHECK(answer_on(first.get()) == answer_with("/slow"));
  CHECK(answer_on(late.get()) == answer_with("/late"));
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Service, "A stop closes kept connections that idle, and silent ones") {
  start();
  const os::Descriptor kept = ask("/");
  CHECK(answer_on(kept.get()));
  const os::Descriptor silent = connect();
  worker->signal(SIGTERM);
  CHECK(ends(kept.get()));
  CHECK(ends(silent.get()));
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Service, "A connection that idles for too long is closed") {
  start({.idle = 50ms});
  const os::Descriptor silent = connect();
  const os::Descriptor kept = ask("/");
  CHECK(answer_on(kept.get()));
  CHECK(ends(kept.get()));
  CHECK(ends(silent.get()));
}

TEST_CASE_METHOD(Service, "Out of descriptors, a worker serves those it has, then those who wait") {
  start({}, 2);
  os::Descriptor first = ask("/first");
  const os::Descriptor second = ask("/second");
  CHECK(answer_on(first.get()) == answer_with("/first"));
  CHECK(answer_on(second.get()) == answer_with("/second"));
  const os::Descriptor third = ask("/third");
  support::send(first.get(), get_request("/again"));
  CHECK(answer_on(first.get()) == answer_with("/again"));
  first.close();
  CHECK(answer_on(third.get()) == answer_with("/third"));
}

// It asks while the worker is busy for longer than a connection may idle.
TEST_CASE_METHOD(Service, "A connection that has idled for too long is not closed once it asks") {
  start({.idle = 50ms});
  const os::Descriptor patient = ask("/kept");
  CHECK(answer_on(patient.get()) == answer_with("/kept"));
  const os::Descriptor busy = keep_busy();
  support::send(patient.get(), get_request("/asks"));
  std::this_thread::sleep_for(100ms);
  go_on.reach();
  CHECK(answer_on(busy.get()) == answer_with("/slow"));
  CHECK(answer_on(patient.get()) == answer_with("/asks"));
}

TEST_CASE_METHOD(Service, "Out of descriptors, a worker closes nobody while nobody waits") {
  relay.emplace();
  start({}, 2);
  const os::Descriptor first = ask("/first");
  const os::Descriptor second = ask("/second");
  CHECK(answer_on(first.get()) == answer_with("/first"));
  CHECK(answer_on(second.get()) == answer_with("/second"));
  std::this_thread::sleep_for(2500ms);  // two looks around, and long enough to make room
  for (const os::Descriptor* client : {&first, &second}) {
    CHECK_FALSE(support::is_readable(client->get()));
  }
}

// The worker stands still until a request is there that takes long and, beside it, one more
// connection than it has room for: it hears of both at once, and of the idle one's request later.
TEST_CASE_METHOD(Service, "Out of descriptors, a worker closes none that asks") {
  start({}, 2);
  const os::Descriptor idle = ask("/idle");
  const os::Descriptor busy = ask("/busy");
  CHECK(answer_on(idle.get()) == answer_with("/idle"));
  CHECK(answer_on(busy.get()) == answer_with("/busy"));
  std::this_thread::sleep_for(1100ms);  // long enough for the idle one to make room
  support::halt(worker->pid());
  const os::Descriptor third = ask("/third");
  support::send(busy.get(), get_request("/slow"));
  worker->signal(SIGCONT);
  REQUIRE(begun.reached_within(10000));
  support::send(idle.get(), get_request("/asks"));
  go_on.reach();
  CHECK(answer_on(busy.get()) == answer_with("/slow"));
  CHECK(answer_on(idle.get()) == answer_with("/asks"));
  CHECK(answer_on(third.get()) == answer_with("/third"));
}

TEST_CASE_METHOD(Service, "A stop answers those, too, for whom there is no room yet") {
  start({}, 1);
  const os::Descriptor first = keep_busy();
  std::vector<os::Descriptor> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(ask("/waiting"));
  worker->signal(SIGTERM);
  go_on.reach();
  CHECK(answer_on(first.get()) == answer_with("/slow"));
  for (const os::Descriptor& client : waiting) {
    CHECK(answer_on(client.get()) == answer_with("/waiting"));
  }
  CHECK(end() == 0);
}

// The address is open for as long as a worker listens, as it is on TCP. Eight clients ask faster
// than one worker answers.
TEST_CASE_METHOD(Service, "A stop ends although new connections keep coming") {
  start({.last_call = 100ms});
  std::list<support::Child> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      while (answer_on(ask("/work").get())) continue;
      return 0;
    });
  }
  REQUIRE(support::eventually([this] { return count->requests > 32; }));
  worker->signal(SIGTERM);
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Service, "A stop ends although kept connections keep asking") {
  start();
  std::list<support::Child> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const os::Descriptor client = connect();
      for (;;) {
        support::send(client.get(), get_request("/work"));
        if (!answer_on(client.get())) return 0;
      }
    });
  }
  REQUIRE(support::eventually([this] { return count->requests > 32; }));
  worker->signal(SIGTERM);
  CHECK(end() == 0);
}

TEST_CASE_METHOD(Service, "A worker that retires hands over its kept connections, with a request") {
  relay.emplace();
  start();
  const os::Descriptor idle = ask("/idle");
  CHECK(answer_on(idle.get()) == answer_with("/idle"));
  const os::Descriptor asking = ask("/asking");
  CHECK(answer_on(asking.get()) == answer_with("/asking"));
  const os::Descriptor busy = keep_busy();
  support::send(asking.get(), get_request("/while-busy"));
  worker->signal(SIGQUIT);
  go_on.reach();
  CHECK(answer_on(busy.get()) == answer_with("/slow"));
  CHECK(end() == 1);
  start();  // another one
  CHECK(answer_on(asking.get()) == answer_with("/while-busy"));
  for (const os::Descriptor* client : {&idle, &asking, &busy}) {
    support::send(client->get(), get_request("/again"));
    CHECK(answer_on(client->get()) == answer_with("/again"));
  }
  CHECK(count->requests == 7);
}

TEST_CASE_METHOD(Service, "A worker that retires accepts nothing more") {
  relay.emplace();
  start();
  const os::Descriptor first = keep_busy();
  const os::Descriptor waiting = ask("/waiting");
  worker->signal(SIGQUIT);
  go_on.reach();
  CHECK(end() == 1);
  CHECK(count->requests == 1);
  start();
  CHECK(answer_on(waiting.get()) == answer_with("/waiting"));
}

TEST_CASE_METHOD(Service,
                 "A worker that retires answers what it has begun to read, and hands it on") {
  relay.emplace();
  start();
  const os::Descriptor client = connect();
  const std::string request = upload("/body", 300'000);
  support::send(client.get(), request.substr(0, 1000));
  REQUIRE(support::eventually([&] { return unread_on(client) == 0; }));
  worker->signal(SIGQUIT);
  std::this_thread::sleep_for(20ms);
  support::send(client.get(), request.substr(1000));
  CHECK(answer_on(client.get()) == answer_with("/body"));
  CHECK(end() == 1);
  start();
  support::send(client.get(), get_request("/next"));
  CHECK(answer_on(client.get()) == answer_with("/next"));
}

TEST_CASE_METHOD(Service, "A worker that retires does not wait longer than a request may take") {
  relay.emplace();
  start({.read = 100ms});
  const os::Descriptor half = connect();
  support::send(half.get(), get_request("/half").substr(0, 30));
  REQUIRE(support::eventually([&] { return unread_on(half) == 0; }));
  worker->signal(SIGQUIT);
  CHECK(end() == 1);
  CHECK(ends(half.get()));
}

// The relay holds a few, and others take them only once a while has passed.
TEST_CASE_METHOD(Service, "More kept connections than the relay holds are handed over in time") {
  relay.emplace();
  const int small = 1;
  setsockopt(relay->sending_fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  start({}, 300);
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 200; ++i) {
    kept.push_back(keep_one());
  }
  worker->signal(SIGQUIT);
  REQUIRE(support::turns_readable(relay->receiving_fd()));
  std::this_thread::sleep_for(50ms);
  support::Child heir([this] { return work({}, 300); });
  CHECK(end() == 1);
  for (const os::Descriptor& client : kept) {
    support::send(client.get(), get_request("/again"));
    CHECK(answer_on(client.get()) == answer_with("/again"));
  }
}

TEST_CASE_METHOD(Service, "A full relay that nobody empties keeps no worker from retiring") {
  relay.emplace();
  const int small = 1;
  setsockopt(relay->sending_fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 50; ++i) {
    kept.push_back(keep_one());
  }
  worker->signal(SIGQUIT);
  CHECK(end() == 1);
  CHECK(ends(kept.back().get()));
}

TEST_CASE_METHOD(Service, "Without a relay a worker that retires closes its kept connections") {
  start();
  const os::Descriptor kept = ask("/");
  CHECK(answer_on(kept.get()));
  worker->signal(SIGQUIT);
  CHECK(end() == 1);
  CHECK(ends(kept.get()));
}

TEST_CASE_METHOD(Service, "A worker that is spent retires after the answer, and loses nothing") {
  relay.emplace();
  most_answers = 3;
  start();
  const os::Descriptor client = connect();
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 3; ++i) {
      support::send(client.get(), get_request("/kept"));
      REQUIRE(answer_on(client.get()) == answer_with("/kept"));
    }
    REQUIRE(end() == 1);
    start();
  }
  CHECK(count->requests == 12);
}

// It hears of all three at once, and retires after the first.
TEST_CASE_METHOD(Service, "Without a relay, a spent worker answers those that it has heard of") {
  most_answers = 4;
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(keep_one());
  }
  support::halt(worker->pid());
  for (const os::Descriptor& client : kept) support::send(client.get(), get_request("/asks"));
  worker->signal(SIGCONT);
  for (const os::Descriptor& client : kept) CHECK(answer_on(client.get()) == answer_with("/asks"));
  CHECK(end() == 1);
}

TEST_CASE_METHOD(Service,
                 "A connection that another worker closes is forgotten by the first, too") {
  relay.emplace();
  std::array<int, 2> pair{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  const os::Descriptor mine(pair[0]);
  const os::Descriptor copy(pair[1]);  // open here for as long as the worker lives
  REQUIRE(relay->send(copy));
  start();
  support::send(mine.get(), get_request("/handed-over", KeepConnection::no));
  CHECK(answer_on(mine.get()) == answer_with("/handed-over"));
  support::send(mine.get(), get_request("/nobody-is-there"));
  for (int i = 0; i < 20; ++i) CHECK(answer_on(ask("/").get()) == answer_with("/"));
  CHECK(count->requests == 21);
}

TEST_CASE_METHOD(Service,
                 "An answer that takes too long is a 504, and nobody else loses anything") {
  relay.emplace();
  start({.answer = 50ms});
  const os::Descriptor kept = ask("/kept");
  CHECK(answer_on(kept.get()) == answer_with("/kept"));
  const os::Descriptor slow = keep_busy();
  CHECK_THAT(answer_on(slow.get()).value_or(""), support::contains("Status: 504 "));
  CHECK(end() == fcgi::exit_timed_out);
  start();
  for (const os::Descriptor* client : {&kept, &slow}) {
    support::send(client->get(), get_request("/again"));
    CHECK(answer_on(client->get()) == answer_with("/again"));
  }
}

TEST_CASE_METHOD(Service, "A handler that throws has no limit any more") {
  start({.answer = 50ms});
  const os::Descriptor client = ask("/throw");
  CHECK(end() == 2);
}

TEST_CASE_METHOD(Service,
                 "A request that has waited for too long gets a 503, and no handler sees it") {
  start({.queue_age = 5s});
  const auto ask_with_start = [this](std::chrono::seconds age) {
    const auto now = std::chrono::system_clock::now().time_since_epoch() - age;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).count();
    const os::Descriptor client = connect();
    support::send(client.get(),
                  support::begin(KeepConnection::yes) +
                      support::params({{"REQUEST_METHOD", "GET"},
                                       {"REQUEST_URI", "/"},
                                       {"REQUEST_START", std::to_string(seconds) + ".000"}}) +
                      support::in(""));
    return answer_on(client.get()).value_or("");
  };
  CHECK_THAT(ask_with_start(60s),
             support::contains("Status: 503 ") && support::contains("Retry-After: 1\r\n"));
  CHECK(count->requests == 0);
  CHECK(count->turned_away == 1);
  CHECK_THAT(ask_with_start(0s), support::contains("Status: 200 "));
  CHECK_THAT(ask_with_start(-60s), support::contains("Status: 200 "));
  CHECK(answer_on(ask("/no-start").get()) == answer_with("/no-start"));
  CHECK(count->turned_away == 1);
}
