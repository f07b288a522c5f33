#include "fcgi/responder.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "os/listener.hpp"
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
};

// One worker, a child, at a socket of its own. A request of /slow is answered when the test says
// so.
struct Service {
  support::Folder folder;
  os::Listener listener{{.address = folder / "visits.sock"}};
  support::Shared<Count> count;
  support::Signpost begun;
  support::Signpost go_on;
  std::optional<support::Child> worker{};

  void start(fcgi::TimeLimits limits = {}, int most_connections = 100) {
    worker.emplace([this, limits, most_connections] {
      os::block_signals();
      const os::Descriptor stop = os::signal_descriptor({SIGTERM});
      fcgi::Responder responder(listener.fd(), stop.get(), limits);
      support::leave_room_for(most_connections);
      responder.run([this](const http::Request& request) { return answer(request); });
      return 0;
    });
  }

  http::Response answer(const http::Request& request) const {
    ++count->requests;
    if (request.path() == "/slow") {
      begun.reach();
      go_on.wait_for();
    }
    if (request.path() == "/work") std::this_thread::sleep_for(5ms);
    return {.body = std::string(request.target)};
  }

  os::Descriptor connect() const { return support::connection_to(listener.fd()); }

  // A new connection on which a request was sent.
  os::Descriptor ask(const std::string& target, KeepConnection keep = KeepConnection::yes) const {
    os::Descriptor client = connect();
    support::send(client.get(), get_request(target, keep));
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

std::optional<std::string> answer_with(const std::string& body) {
  return http::cgi_text({.body = body});
}

}  // namespace

TEST_CASE_METHOD(Service, "Kept connections that idle keep nobody waiting for the one worker") {
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 32; ++i) {
    kept.push_back(ask("/kept"));
    REQUIRE(answer_on(kept.back().get()) == answer_with("/kept"));
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

TEST_CASE_METHOD(Service, "Half a request keeps others waiting for the time limit at most") {
  start({.read = 100ms});
  const os::Descriptor half = connect();
  support::send(half.get(), get_request("/half").substr(0, 30));
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
  CHECK(ends(half.get()));
  CHECK(count->requests == 1);
}

// The worker stands still while the requests come, so that it hears of all of them at once.
TEST_CASE_METHOD(Service, "A request that is given up while another is answered is not handled") {
  start();
  std::vector<os::Descriptor> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(ask("/kept"));
    REQUIRE(answer_on(kept.back().get()) == answer_with("/kept"));
  }
  worker->signal(SIGSTOP);
  for (const os::Descriptor& client : kept) support::send(client.get(), get_request("/slow"));
  worker->signal(SIGCONT);
  REQUIRE(begun.reached_within(10000));
  for (os::Descriptor& client : kept) client.close();
  go_on.reach();
  CHECK(answer_on(ask("/").get()) == answer_with("/"));
  CHECK(count->requests == 3 + 1 + 1);
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
