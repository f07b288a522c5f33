#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using support::begin;
using support::get_request;
using support::KeepConnection;
using support::params;
using support::Pool;
using support::record;
using support::Type;

namespace {

constexpr int workers = 2;
constexpr int holders = 3 * workers;

// A pool whose FastCGI socket is open to strangers: the test speaks to it directly.
struct Site : support::Scratch {
  support::Folder folder;
  Pool pool{folder, key, workers};
  std::vector<pid_t> first_workers = pool.workers();

  os::Descriptor connect() { return support::connection_to(pool.socket()); }

  // Those whose first bytes those are, and who say nothing more.
  std::vector<os::Descriptor> hold(const std::string& bytes) {
    std::vector<os::Descriptor> all;
    for (int i = 0; i < holders; ++i) {
      all.push_back(connect());
      support::send(all.back().get(), bytes);
    }
    return all;
  }

  // How long others wait for an answer, each on a connection of its own.
  std::chrono::milliseconds longest_wait() {
    std::chrono::milliseconds longest{0};
    for (int i = 0; i < 4 * workers; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const os::Descriptor other = connect();
      support::send(other.get(), get_request("/"));
      if (!support::answer_on(other.get())) return 1h;
      longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::steady_clock::now() - start));
    }
    return longest;
  }

  void check_others() { CHECK(longest_wait() < 1s); }

  void check_nobody_died() {
    CHECK(pool.workers() == first_workers);
    CHECK_THAT(pool.log(), !support::contains("ended on signal"));
  }
};

std::string head(const std::string& method) {
  return begin(KeepConnection::yes) +
         params(
             {{"REQUEST_METHOD", method}, {"REQUEST_URI", "/"}, {"FILLER", std::string(500, 'x')}});
}

// Whether the other side closes the connection within twenty seconds, whatever is unread on it.
bool is_let_go(const os::Descriptor& client) {
  pollfd connection{.fd = client.get(), .events = POLLRDHUP, .revents = 0};
  return poll(&connection, 1, 20'000) == 1;
}

bool is_open(const os::Descriptor& client) {
  pollfd connection{.fd = client.get(), .events = POLLRDHUP, .revents = 0};
  return poll(&connection, 1, 0) == 0;
}

int unread_on(const os::Descriptor& client) {
  int bytes = 0;
  ioctl(client.get(), SIOCOUTQ, &bytes);
  return bytes;
}

// A sound request, a part of it, or something else that begins like one.
std::string damaged_request(std::mt19937& random) {
  const auto below = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most - 1)(random);
  };
  std::string bytes = head("POST") + support::in(std::string(below(3000), 'x'));
  for (std::size_t i = below(4) + 1; i > 0; --i) {
    const std::size_t at = below(bytes.size());
    switch (below(5)) {
      case 0: bytes[at] = static_cast<char>(below(256)); break;
      case 1: bytes.erase(at, below(40)); break;
      case 2: bytes.insert(at, std::string(below(40), static_cast<char>(below(256)))); break;
      case 3:
        bytes.insert(at, record(static_cast<Type>(below(14)), std::string(below(99), '\1')));
        break;
      default: bytes[below(24)] = static_cast<char>(below(256)); break;
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE_METHOD(Site, "Clients that stop half-way hold nobody up, and are let go in time") {
  const std::string whole = head("POST") + support::in("a body");
  const std::size_t before_body = head("POST").size();
  std::vector<os::Descriptor> held;
  for (const std::size_t bytes : {std::size_t{3}, std::size_t{8}, std::size_t{20}, std::size_t{300},
                                  before_body, before_body + 10}) {
    for (os::Descriptor& client : hold(whole.substr(0, bytes))) held.push_back(std::move(client));
  }
  check_others();
  for (const os::Descriptor& client : held) CHECK(support::ends(client.get()));
  check_nobody_died();
  CHECK(support::count_at(key) == 4 * workers);
}

TEST_CASE_METHOD(Site, "Silent clients, and ones that never close, hold nobody up") {
  const std::vector<os::Descriptor> silent = hold("");
  const std::vector<os::Descriptor> never_closing = hold(head("GET") + support::in(""));
  for (const os::Descriptor& client : never_closing) CHECK(support::answer_on(client.get()));
  const std::vector<os::Descriptor> not_kept = hold(get_request("/", KeepConnection::no));
  check_others();
  for (const os::Descriptor& client : not_kept) {
    CHECK(support::answer_on(client.get()));
    CHECK(support::ends(client.get()));
  }
  check_nobody_died();
}

TEST_CASE_METHOD(Site, "A body that stalls when it has filled every buffer holds nobody up") {
  const std::string body = record(Type::in, std::string(60'000, 'x'));
  const std::vector<os::Descriptor> held =
      hold(head("POST") + body + body + body + body.substr(0, 99));
  check_others();
  for (const os::Descriptor& client : held) CHECK(support::ends(client.get()));
  CHECK(support::count_at(key) == 4 * workers);
}

TEST_CASE_METHOD(Site, "Clients that send a byte now and then hold nobody up, and are let go") {
  const std::vector<os::Descriptor> held = hold("");
  const std::string request = head("POST");
  std::atomic<bool> all_gone = false;
  std::thread trickle([&] {
    for (std::size_t at = 0; at < 100 && !all_gone; ++at) {
      bool gone = true;
      for (const os::Descriptor& client : held) {
        gone = ::send(client.get(), &request[at], 1, MSG_NOSIGNAL) == -1 && gone;
      }
      all_gone = gone;
      std::this_thread::sleep_for(100ms);
    }
  });
  check_others();
  trickle.join();
  CHECK(all_gone);
  CHECK(support::count_at(key) == 4 * workers);
}

TEST_CASE_METHOD(Site, "Clients that take a byte of their answers now and then hold nobody up") {
  const std::vector<os::Descriptor> held = hold("");
  const std::string request = get_request("/");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  std::atomic<bool> all_gone = false;
  std::thread greedy([&] {
    for (int i = 0; i < 10'000 && !all_gone; ++i) {
      bool gone = true;
      for (const os::Descriptor& client : held) {
        char byte = 0;
        recv(client.get(), &byte, 1, MSG_DONTWAIT);
        gone = ::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) == -1 && gone;
      }
      all_gone = gone;
      std::this_thread::sleep_for(1ms);
    }
  });
  do {
    check_others();
  } while (!all_gone && std::chrono::steady_clock::now() < deadline);
  greedy.join();
  CHECK(all_gone);
  check_nobody_died();
}

// Two pools that differ in that directive alone. What it frees in the one is still held in the
// other.
TEST_CASE_METHOD(support::Scratch, "Whoever holds a connection is let go when it is configured") {
  const std::string whole = head("POST") + support::in("a body");
  const std::size_t before_body = head("POST").size();
  const auto [kind, directive, bytes] = GENERATE_COPY(table<std::string, std::string, std::string>({
      {"silent", "idle", ""},
      {"silent after a byte", "read", whole.substr(0, 1)},
      {"half a header", "read", whole.substr(0, 20)},
      {"half the parameters", "read", whole.substr(0, 300)},
      {"a body that stalls", "read", whole.substr(0, before_body + 10)},
      {"never closing, and never reading", "idle", whole},
  }));
  CAPTURE(kind);
  const std::string name = "connection." + directive + "_timeout=";
  const support::ScratchKey another_key;
  const support::Folder folders[2];
  const Pool hasty(folders[0], key, workers, {name + "1s"});
  const Pool patient(folders[1], another_key.get(), workers, {name + "1h"});
  std::vector<os::Descriptor> held;
  std::vector<os::Descriptor> held_by_patient;
  for (int i = 0; i < holders; ++i) {
    held_by_patient.push_back(support::connection_to(patient.socket()));
    held.push_back(support::connection_to(hasty.socket()));
    support::send(held_by_patient.back().get(), bytes);
    support::send(held.back().get(), bytes);
  }
  for (const Pool* pool : {&hasty, &patient}) {
    const os::Descriptor other = support::connection_to(pool->socket());
    support::send(other.get(), get_request("/"));
    CHECK(support::answer_on(other.get()));
  }
  for (const os::Descriptor& client : held) CHECK(is_let_go(client));
  for (const os::Descriptor& client : held_by_patient) CHECK(is_open(client));
}

// One worker, which an answer that nobody reads holds.
TEST_CASE_METHOD(support::Scratch,
                 "Whoever does not read an answer is let go when it is configured") {
  const support::ScratchKey another_key;
  const support::Folder folder;
  const auto start = [&](const std::string& name, sysv::Key at, const std::string& limit) {
    return std::make_unique<support::Program>(
        support::Words{SLOW_VISITSD, "-F", "-d", "listen=" + folder / name, "-d",
                       "pm.max_children=1", "-d", "visits.key=" + sysv::text_of(at), "-d",
                       "connection.write_timeout=" + limit},
        folder / (name + ".log"));
  };
  const auto hasty = start("hasty", key, "1s");
  const auto patient = start("patient", another_key.get(), "1h");
  std::vector<os::Descriptor> greedy;
  std::vector<os::Descriptor> others;
  for (const std::string name : {"patient", "hasty"}) {
    REQUIRE(support::eventually([&] { return support::is_listening(folder / name); }));
    greedy.push_back(support::connection_to(folder / name));
    support::send(greedy.back().get(), get_request("/large/3000000"));
    REQUIRE(support::turns_readable(greedy.back().get()));
    others.push_back(support::connection_to(folder / name));
    support::send(others.back().get(), get_request("/"));
  }
  CHECK(is_let_go(greedy[1]));
  CHECK(support::answer_on(others[1].get()));
  CHECK(is_open(greedy[0]));
  CHECK_FALSE(support::is_readable(others[0].get()));
  patient->signal(SIGKILL);
}

TEST_CASE_METHOD(Site, "A body arrives whole across any signal that its worker can survive") {
  const std::string request = head("POST") + support::in(std::string(2'000'000, 'x'));
  std::atomic<bool> done = false;
  std::thread signals([&] {
    while (!done) {
      for (const pid_t worker : first_workers) {
        for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP, SIGALRM, SIGCHLD, SIGPIPE, SIGWINCH,
                                 SIGIO, SIGSTOP, SIGCONT}) {
          kill(worker, signal);
        }
      }
      std::this_thread::sleep_for(1ms);
    }
    for (const pid_t worker : first_workers) kill(worker, SIGCONT);
  });
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    const os::Descriptor client = connect();
    support::send(client.get(), request);
    if (support::answer_on(client.get())) ++answered;
  }
  done = true;
  signals.join();
  CHECK(answered == 50);
  CHECK(support::count_at(key) == 50);
  check_nobody_died();
}

// Bodies of any bytes, which come in pieces, and are sent back by the program that got them.
TEST_CASE("A body arrives byte for byte though its pool is told to stop, reload or reopen") {
  const auto told = GENERATE(table<int, std::string>({
      {SIGQUIT, "stopping"},
      {SIGTERM, "stopping"},
      {SIGUSR1, "replacing the workers"},
      {SIGUSR2, "reload: executing"},
      {SIGHUP, "reload: executing"},
  }));
  const int signal = std::get<0>(told);
  const std::string sign = std::get<1>(told);
  CAPTURE(signal);
  const support::Folder folder;
  const std::string socket = folder / "echo.sock";
  support::Program pool(
      {SLEEPER, "-F", "-d", "listen=" + socket, "-d", "pm.max_children=" + std::to_string(workers)},
      folder / "echo.log");
  REQUIRE(support::eventually([&] { return support::is_listening(socket); }));
  const std::vector<pid_t> readers = support::children_of(pool.pid());
  std::mt19937 random(static_cast<unsigned>(signal));
  std::string body(100'000, '\0');  // fits into a socket's buffer when it is sent back
  std::generate(body.begin(), body.end(), [&] { return static_cast<char>(random()); });
  const std::string request = begin(KeepConnection::no) +
                              params({{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/echo"}}) +
                              support::in(body);
  std::vector<os::Descriptor> clients;
  for (int i = 0; i < holders; ++i) clients.push_back(support::connection_to(socket));
  const std::size_t half = request.size() / 2;
  for (const os::Descriptor& client : clients) support::send(client.get(), request.substr(0, half));
  for (const os::Descriptor& client : clients) {
    REQUIRE(support::eventually([&] { return unread_on(client) == 0; }));
  }
  pool.signal(signal);
  CHECK(support::eventually([&] { return pool.log().find(sign) != std::string::npos; }));
  for (std::size_t at = half; at < request.size(); at += 5'000) {
    for (const pid_t reader : readers) {
      for (const int number : {SIGUSR1, SIGUSR2, SIGHUP, SIGALRM, SIGSTOP, SIGCONT}) {
        kill(reader, number);
      }
    }
    for (const os::Descriptor& client : clients) {
      support::send(client.get(), request.substr(at, 5'000));
    }
  }
  for (const os::Descriptor& client : clients) {
    const std::string answer = support::answer_on(client.get()).value_or("none");
    CHECK(answer.size() > body.size());
    CHECK(answer.ends_with(body));
  }
}

// The workers stand still until all of them have left.
TEST_CASE_METHOD(Site, "Requests that were given up before they were answered are not counted") {
  check_others();
  const std::int64_t counted = support::count_at(key);
  for (const pid_t worker : first_workers) support::halt(worker);
  {
    const std::vector<os::Descriptor> given_up = hold(get_request("/"));
    const std::vector<os::Descriptor> large =
        hold(head("POST") + support::in(std::string(9000, 'x')));
  }
  for (const pid_t worker : first_workers) kill(worker, SIGCONT);
  check_others();
  CHECK(support::count_at(key) == counted + 4 * workers);
}

TEST_CASE_METHOD(Site,
                 "Whatever is sent ends its own connection at most, and counts if it is answered") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937 random(seed);
  int answered = 0;
  for (int i = 0; i < 400; ++i) {
    const os::Descriptor client = connect();
    const std::string bytes = damaged_request(random);
    (void)!::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    while (unread_on(client) > 0) std::this_thread::sleep_for(1ms);
    shutdown(client.get(), SHUT_WR);
    const auto answer = support::answer_on(client.get());
    if (answer && answer->find("visits so far") != std::string::npos) ++answered;
  }
  check_others();
  check_nobody_died();
  CHECK(support::count_at(key) == answered + 4 * workers);
}
