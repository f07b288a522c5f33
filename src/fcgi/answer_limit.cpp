#include "fcgi/answer_limit.hpp"

#include <fastcgi.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "http/response.hpp"
#include "os/error.hpp"
#include "os/signals.hpp"

namespace fcgi {
namespace {

AnswerLimit* current = nullptr;  // a signal handler is given nothing else

constexpr std::size_t id_at = 2;  // in a record's header

std::string record(int type, const std::string& content) {
  const auto size = static_cast<unsigned>(content.size());
  return std::string{FCGI_VERSION_1,
                     static_cast<char>(type),
                     0,
                     0,
                     static_cast<char>(size >> 8U),
                     static_cast<char>(size),
                     0,
                     0} +
         content;
}

const std::string& text() {
  static const std::string text = http::cgi_text({.status = 504,
                                                  .content_type = "text/plain; charset=UTF-8",
                                                  .body = "this answer took too long\n"});
  return text;
}

}  // namespace

AnswerLimit::AnswerLimit(std::chrono::milliseconds limit, std::function<void()> last_words)
    : limit_(limit), last_words_(std::move(last_words)) {
  if (limit_.count() == 0) return;
  farewell_ = record(FCGI_STDOUT, text()) + record(FCGI_STDOUT, "") +
              record(FCGI_END_REQUEST, std::string(sizeof(FCGI_EndRequestBody), '\0'));
  current = this;
  struct sigaction action {};
  action.sa_sigaction = ring;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  if (sigaction(SIGALRM, &action, nullptr) == -1) os::fail("sigaction");
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer_) == -1) os::fail("timer_create");
}

AnswerLimit::~AnswerLimit() {
  if (limit_.count() == 0) return;
  timer_delete(timer_);
  signal(SIGALRM, SIG_DFL);
  current = nullptr;
}

void AnswerLimit::begin(int connection, std::uint16_t request_id) {
  if (limit_.count() == 0) return;
  const std::size_t second = farewell_.size() - FCGI_HEADER_LEN - sizeof(FCGI_EndRequestRecord);
  for (const std::size_t header : {std::size_t{0}, second, second + FCGI_HEADER_LEN}) {
    farewell_[header + id_at] = static_cast<char>(request_id >> 8U);
    farewell_[header + id_at + 1] = static_cast<char>(request_id);
  }
  connection_ = connection;
  const sigset_t alarm = os::signal_set({SIGALRM});
  sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
  set(limit_);
}

// An alarm that rang before is heard before: not between here and the answer's first byte.
void AnswerLimit::end() {
  if (limit_.count() == 0) return;
  set(std::chrono::milliseconds(0));
  const sigset_t alarm = os::signal_set({SIGALRM});
  sigprocmask(SIG_BLOCK, &alarm, nullptr);
}

void AnswerLimit::set(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  itimerspec value{};
  value.it_value.tv_sec = seconds.count();
  value.it_value.tv_nsec = std::chrono::nanoseconds(time - seconds).count();
  if (timer_settime(timer_, 0, &value, nullptr) == -1) os::fail("timer_settime");
}

// A SIGALRM that somebody sent is no alarm of ours.
void AnswerLimit::ring(int, siginfo_t* info, void*) {
  if (info->si_code == SI_TIMER && current != nullptr) current->give_up();
}

// In a signal handler: nothing but calls that are safe there.
void AnswerLimit::give_up() {
  (void)!send(connection_, farewell_.data(), farewell_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  last_words_();
  _exit(exit_timed_out);
}

}  // namespace fcgi
