#include "fcgi/responder.hpp"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace fcgi {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int most_newcomers = 64;         // that a retiring worker passes on
constexpr milliseconds tick = 1s;          // between two looks for connections idle for too long
constexpr milliseconds pause = 100ms;      // when no more connections can be taken
constexpr milliseconds relay_pause = 5ms;  // when the relay is full
constexpr auto relay_patience = 1s;    // with those who empty it, from one connection to the next
constexpr auto farewell_wait = 500ms;  // a stop's patience with connections that have just come

// The kernel tells of a connection once for all that has come (EPOLLET), and need not look at those
// again that have been heard. Whoever leaves some of it has to ask for another word: remind().
constexpr std::uint32_t connection_events = EPOLLIN | EPOLLRDHUP | EPOLLET;

void control(int epoll, int operation, int fd, std::uint32_t events, void* tag) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  if (epoll_ctl(epoll, operation, fd, &event) == -1) os::fail("epoll_ctl");
}

void watch(int epoll, int fd, std::uint32_t events, void* tag) {
  control(epoll, EPOLL_CTL_ADD, fd, events, tag);
}

// Whoever has no room is told so by the kernel whether somebody waits or not.
bool somebody_waits_at(int fd) {
  pollfd door{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&door, 1, 0) == 1;
}

void unwatch(int epoll, int fd) { epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr); }

}  // namespace

Responder::Responder(Workplace place)
    : place_(std::move(place)),
      acceptor_(place_.listen_fd, place_.limits, place_.allowed_clients),
      answer_limit_(place_.limits.answer, [this] { hand_all_over(); }),
      respond_([this](const auto& request, auto& response) { respond(request, response); }),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) os::fail("epoll_create1");
  watch(epoll_.get(), place_.stop_fd, EPOLLIN, &place_.stop_fd);
  listen(true);
}

Ending Responder::run(const Handler& handler) {
  handler_ = &handler;
  while (ending_ == Ending::none) {
    if (wait_and_serve(patience()) == Heard::nothing) look_around();
    tidy();
  }
  unwatch(epoll_.get(), place_.stop_fd);
  if (ending_ == Ending::retire) retire();
  finish();
  return ending_;
}

// A worker that retires leaves what it has heard of, but not read, to those who get it.
Responder::Heard Responder::wait_and_serve(milliseconds timeout) {
  std::array<epoll_event, 64> events{};
  const int count = os::retry([&] {
    return epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                      static_cast<int>(timeout.count()));
  });
  if (count == -1) os::fail("epoll_wait");
  just_told_ = true;
  const bool serving = ending_ == Ending::none;
  for (int i = 0; i < count; ++i) {
    if (serving && ending_ == Ending::retire) break;
    on_event(events[static_cast<std::size_t>(i)]);
  }
  const bool leaving = serving && ending_ == Ending::retire;
  if (std::exchange(relayed_, false) && !leaving) take_over();
  if (std::exchange(knocked_, false) && !leaving) welcome();
  return count > 0 ? Heard::something : Heard::nothing;
}

void Responder::on_event(const epoll_event& event) {
  void* const tag = event.data.ptr;
  if (tag == &place_.stop_fd) {
    note_ending();
  } else if (tag == &acceptor_) {
    knocked_ = true;
  } else if (tag == &place_.relay) {
    relayed_ = true;
  } else {
    hear(*static_cast<Connection*>(tag), (event.events & ~EPOLLIN) == 0 ? Peer::here : Peer::gone);
  }
}

// Who knocks wakes one worker (EPOLLEXCLUSIVE), and if that one dies or hangs before it has opened,
// nobody else hears of it: so whoever has nothing to do looks now and then.
void Responder::look_around() {
  if (!listening_) return;
  if (place_.relay != nullptr) take_over();
  welcome();
}

// Connections go only here and after their own events: those of one epoll_wait stay good.
void Responder::tidy() {
  make_room();
  close_idle();
  close_overdue();
  resume_listening();
  tell_kept();
}

void Responder::tell_kept() {
  const int kept = static_cast<int>(idle_.size() + begun_.size());
  if (place_.keep && std::exchange(told_kept_, kept) != kept) place_.keep(kept);
}

void Responder::note_ending() {
  if (ending_ == Ending::none) ending_ = place_.ending ? place_.ending() : Ending::stop;
}

// One at a time, so that the workers share what comes; after all that is here already, and served
// at once if its request is there: what a worker has taken waits for this worker alone.
void Responder::welcome() {
  if (Connection* const guest = newcomer()) hear(*guest);
}

void Responder::take_over() {
  if (Connection* const guest = heirloom()) hear(*guest);
}

Responder::Connection* Responder::newcomer() try {
  auto fd = acceptor_.accept();
  return fd ? &add(std::move(*fd), true) : nullptr;
} catch (const std::system_error&) {
  crowded_ = crowded_ || somebody_waits_at(acceptor_.fd());
  return nullptr;
}

Responder::Connection* Responder::heirloom() try {
  auto fd = place_.relay->receive();
  return fd ? &add(std::move(*fd), false) : nullptr;
} catch (const std::system_error&) {
  crowded_ = crowded_ || somebody_waits_at(place_.relay->receiving_fd());
  return nullptr;
}

Responder::Connection& Responder::add(os::Descriptor fd, bool fresh) {
  Connection& connection = idle_.emplace_back(std::move(fd), place_.bodies, spare_);
  connection.self = std::prev(idle_.end());
  connection.list = &idle_;
  connection.since = Clock::now();
  connection.fresh = fresh;
  try {
    watch(epoll_.get(), connection.exchange.fd(), connection_events, &connection);
  } catch (const std::system_error&) {
    idle_.pop_back();
    throw;
  }
  return connection;
}

void Responder::remind(Connection& connection) {
  control(epoll_.get(), EPOLL_CTL_MOD, connection.exchange.fd(), connection_events, &connection);
}

void Responder::move(Connection& connection, Connections& to) {
  to.splice(to.end(), *connection.list, connection.self);
  connection.list = &to;
  connection.since = Clock::now();
}

// Closing alone is not enough: while another process has the connection, too, epoll goes on to tell
// of it.
void Responder::drop(const Connection& connection) {
  unwatch(epoll_.get(), connection.exchange.fd());
  connection.list->erase(connection.self);
}

// Where the web server has left, its end is still to be taken.
void Responder::hear(Connection& connection, Peer peer) {
  if (!take(connection, peer)) {
    drop(connection);
  } else if (connection.exchange.may_have_left_some() || peer == Peer::gone) {
    remind(connection);
  }
}

// False: it is over with that connection.
bool Responder::take(Connection& connection, Peer peer) {
  switch (connection.exchange.hear()) {
    case Exchange::Heard::nothing: return true;
    case Exchange::Heard::end: return false;
    case Exchange::Heard::request: return serve(connection, peer);
    case Exchange::Heard::part: break;
  }
  if (connection.list == &idle_) move(connection, begun_);
  return true;
}

// Whoever has given up waits for no answer: the request is dropped, and nothing counted.
bool Responder::serve(Connection& connection, Peer peer) {
  const bool waited_for = is_waited_for(connection, peer);
  if (!waited_for && place_.abandon) place_.abandon();
  const bool stays = waited_for && answer(connection);
  if (stays) {
    connection.fresh = false;
    move(connection, idle_);
  }
  if (ending_ == Ending::none && place_.spent && place_.spent()) ending_ = Ending::retire;
  return stays;
}

// What the kernel said of several connections at once is true for the first, and may not be for
// those that wait while that is answered.
bool Responder::is_waited_for(Connection& connection, Peer peer) {
  const bool is_news = std::exchange(just_told_, false);
  return peer != Peer::gone && connection.exchange.is_waited_for(peer == Peer::here && is_news);
}

bool Responder::answer(Connection& connection) {
  answering_ = &connection;
  const bool stays = connection.exchange.answer(codec_, respond_, keep_);
  answering_ = nullptr;
  return stays;
}

void Responder::respond(const http::Request& request, http::Response& response) {
  if (is_too_old(request)) {
    if (place_.turn_away) place_.turn_away();
    response = {.status = 503,
                .content_type = "text/plain; charset=UTF-8",
                .body = "this request has waited for too long\n",
                .retry_after = 1};
    return;
  }
  answer_limit_.begin(answering_->exchange.fd(), answering_->exchange.id());
  try {
    (*handler_)(request, response);
  } catch (...) {
    answer_limit_.end();
    throw;
  }
  answer_limit_.end();
}

bool Responder::is_too_old(const http::Request& request) const {
  if (place_.limits.queue_age.count() == 0) return false;
  const auto start = request.start();
  return start && std::chrono::system_clock::now() - *start > place_.limits.queue_age;
}

// Until the next request is overdue, or something else has to be looked at.
milliseconds Responder::patience() const {
  const milliseconds most = listening_ ? tick : pause;
  if (begun_.empty()) return most;
  const auto left = begun_.front().since + place_.limits.read - Clock::now();
  return std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), most);
}

// What has arrived in the meantime is heard first: the worker was busy, not the web server.
bool Responder::is_silent(Connection& connection) {
  if (!connection.exchange.has_news()) return true;
  remind(connection);
  return false;
}

// A connection that has been silent for a while makes room; it is nobody's request.
void Responder::make_room() {
  if (!std::exchange(crowded_, false)) return;
  if (!idle_.empty() && idle_.front().since + tick < Clock::now() && is_silent(idle_.front())) {
    drop(idle_.front());
    return;
  }
  listen(false);
  paused_until_ = Clock::now() + pause;
}

void Responder::close_idle() {
  const auto latest = Clock::now() - place_.limits.idle;
  while (!idle_.empty() && idle_.front().since < latest && is_silent(idle_.front())) {
    drop(idle_.front());
  }
}

void Responder::close_overdue() {
  if (begun_.empty()) return;
  const auto latest = Clock::now() - place_.limits.read;
  for (auto at = begun_.begin(); at != begun_.end() && at->since <= latest;) {
    Connection& connection = *at++;
    if (is_silent(connection)) drop(connection);
  }
}

void Responder::listen(bool on) {
  if (on == listening_) return;
  listening_ = on;
  const int relay = place_.relay == nullptr ? -1 : place_.relay->receiving_fd();
  if (on) {
    watch(epoll_.get(), acceptor_.fd(), EPOLLIN | EPOLLEXCLUSIVE, &acceptor_);
    if (relay != -1) watch(epoll_.get(), relay, EPOLLIN, &place_.relay);  // rare: all may hear it
  } else {
    unwatch(epoll_.get(), acceptor_.fd());
    if (relay != -1) unwatch(epoll_.get(), relay);
  }
}

void Responder::resume_listening() {
  if (!listening_ && Clock::now() >= paused_until_) listen(true);
}

// The idle ones at once, the others as they are answered. Where more are kept than the relay holds,
// they wait for those who take them, and are served meanwhile. Without a relay none of that can be,
// and every answer is a connection's last.
void Responder::retire() {
  listen(false);
  if (place_.relay == nullptr) keep_ = Keep::no;
  pass_on_newcomers();
  handed_over_ = Clock::now();
  hand_over();
  for (Connections* const connections : {&idle_, &begun_}) {
    for (Connection& connection : *connections) remind(connection);  // of what was not heard
  }
  while (!begun_.empty() || hopes_for_relay()) {
    wait_and_serve(hopes_for_relay() ? relay_pause : patience());
    close_overdue();
    hand_over();
  }
}

bool Responder::hopes_for_relay() const {
  return place_.relay != nullptr && !idle_.empty() && Clock::now() < handed_over_ + relay_patience;
}

// Those who woke this worker, and therefore no other.
void Responder::pass_on_newcomers() {
  if (place_.relay == nullptr) return;
  for (int i = 0; i < most_newcomers && newcomer() != nullptr; ++i) {
  }
}

void Responder::hand_over() {
  if (place_.relay == nullptr) return;
  while (!idle_.empty() && place_.relay->send(idle_.front().exchange.fd())) {
    drop(idle_.front());
    handed_over_ = Clock::now();
  }
}

// Called in a signal handler, while an answer is being made: the lists are at rest.
void Responder::hand_all_over() const {
  if (place_.relay == nullptr) return;
  for (const Connection& connection : idle_) {
    if (&connection != answering_) place_.relay->send(connection.exchange.fd());
  }
  if (answering_->exchange.keeps()) place_.relay->send(answering_->exchange.fd());
}

bool Responder::expects_requests() const {
  return !begun_.empty() ||
         std::any_of(idle_.begin(), idle_.end(),
                     [](const Connection& connection) { return connection.fresh; });
}

// Every connection ends with its next answer now. A web server that has just connected sends its
// request in the same breath, so those few get a moment; a request that has begun has its own
// limit.
void Responder::finish() {
  keep_ = Keep::no;
  listen(ending_ ==
         Ending::stop);  // also out of a pause: what waits in the backlog has no other chance
  const auto last_call = Clock::now() + place_.limits.last_call;
  const auto deadline = Clock::now() + farewell_wait;
  Heard heard = Heard::something;
  const auto is_paused = [&] {  // out of room for more, which comes
    return ending_ == Ending::stop && !listening_ && Clock::now() < last_call;
  };
  while (heard == Heard::something || !begun_.empty() || is_paused() ||
         (expects_requests() && Clock::now() < deadline)) {
    if (is_paused()) resume_listening();
    if (Clock::now() >= last_call) listen(false);
    heard = wait_and_serve(expects_requests() || is_paused() ? 20ms : 0ms);
    make_room();
    close_overdue();
  }
  idle_.clear();
}

}  // namespace fcgi
