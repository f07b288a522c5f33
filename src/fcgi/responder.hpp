#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "fcgi/acceptor.hpp"
#include "fcgi/allowed_clients.hpp"
#include "fcgi/answer_limit.hpp"
#include "fcgi/codec.hpp"
#include "fcgi/exchange.hpp"
#include "fcgi/handler.hpp"
#include "fcgi/screen.hpp"
#include "os/descriptor.hpp"
#include "os/relay.hpp"

struct epoll_event;

namespace fcgi {

// Why a responder ends.
enum class Ending {
  none,    // it does not
  retire,  // others go on: they get its kept connections
  stop,    // the service goes away: it answers what is there, and closes
};

// Where a responder works, and what it asks. What is left out is not there.
struct Workplace {
  int listen_fd = -1;  // non-blocking; shared with other workers
  int stop_fd = -1;    // readable: `ending` has something to say
  TimeLimits limits{};
  AllowedClients allowed_clients{};
  Bodies bodies = Bodies::dropped;   // what handlers see of them
  const os::Relay* relay = nullptr;  // kept connections, from worker to worker
  std::function<Ending()> ending{};  // asked when stop_fd turns readable; left out: stop
  std::function<bool()> spent{};     // asked after each answer; true: retire
  std::function<void(int)> keep{};   // told how many connections there are, when that has changed
  // Told of each request that nobody handles: it was too old (queue_age); its web server had left,
  // or does not take its answers.
  std::function<void()> turn_away{};
  std::function<void()> abandon{};
};

// A FastCGI responder for one worker: watches the listening socket and all connections that web
// servers keep open, together, and serves whichever has something to say. So a web server may keep
// more connections open than there are workers, no request waits behind an idle one, and none
// behind one that comes slowly. One answer at a time, one thread.
class Responder {
 public:
  explicit Responder(Workplace place);
  Responder(int listen_fd, int stop_fd, TimeLimits limits = {})
      : Responder(Workplace{.listen_fd = listen_fd, .stop_fd = stop_fd, .limits = limits}) {}

  // Serves until it ends, and says why it did. The end comes within the time limits: a request that
  // has begun to arrive is answered if it is whole in time.
  //   stop: answers what has arrived by that time, connections in the backlog too (for as long as
  //     the last call lasts), and closes the rest.
  //   retire: accepts nothing more, and sends every connection between two requests through the
  //     relay, unread; while that is full, for as long as others take something out of it. What no
  //     relay takes is closed, as in a stop.
  Ending run(const Handler& handler);

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection;
  using Connections = std::list<Connection>;
  struct Connection {
    Connection(os::Descriptor fd, Bodies bodies, std::unique_ptr<Screen>& spare)
        : exchange(std::move(fd), bodies, spare) {}
    Exchange exchange;
    Connections* list = nullptr;
    Connections::iterator self{};
    Clock::time_point since{};  // among the idle: last heard of; else: when its request began
    bool fresh = true;          // has not sent a request yet
  };

  enum class Heard { nothing, something };
  enum class Peer { unknown, here, gone };  // a web server, when the kernel told of its connection

  Heard wait_and_serve(std::chrono::milliseconds timeout);
  void tidy();
  void tell_kept();
  void on_event(const epoll_event& event);
  void note_ending();
  void look_around();
  void welcome();
  void take_over();
  Connection* newcomer();  // null: nobody is there, or there is no room
  Connection* heirloom();
  Connection& add(os::Descriptor fd, bool fresh);
  void remind(Connection& connection);
  void move(Connection& connection, Connections& to);
  void drop(const Connection& connection);
  void hear(Connection& connection, Peer peer = Peer::unknown);
  bool take(Connection& connection, Peer peer);
  bool serve(Connection& connection, Peer peer);
  bool is_waited_for(Connection& connection, Peer peer);
  bool answer(Connection& connection);
  void respond(const http::Request& request, http::Response& response);
  bool is_too_old(const http::Request& request) const;
  void retire();
  void finish();
  void pass_on_newcomers();
  void hand_over();
  bool hopes_for_relay() const;
  void hand_all_over() const;
  bool is_silent(Connection& connection);
  void make_room();
  void close_idle();
  void close_overdue();
  void listen(bool on);
  void resume_listening();
  bool expects_requests() const;
  std::chrono::milliseconds patience() const;

  Workplace place_;
  Acceptor acceptor_;
  Codec codec_;
  AnswerLimit answer_limit_;
  const Handler* handler_ = nullptr;
  const Handler respond_;
  os::Descriptor epoll_;
  std::unique_ptr<Screen> spare_{};
  Connections idle_;   // the one heard of longest ago comes first
  Connections begun_;  // of whose request a part is there; the longest begun comes first
  const Connection* answering_ = nullptr;
  bool just_told_ = false;            // by the kernel, and nothing was answered since
  Clock::time_point paused_until_{};  // while no more connections can be taken
  Clock::time_point handed_over_{};   // when the relay took the latest connection
  Ending ending_ = Ending::none;
  Keep keep_ = Keep::yes;
  bool listening_ = false;
  int told_kept_ = 0;
  bool crowded_ = false;
  bool knocked_ = false;  // somebody waits at the listening socket …
  bool relayed_ = false;  // … or in the relay
};

}  // namespace fcgi
