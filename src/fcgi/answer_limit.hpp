#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>

namespace fcgi {

// The exit code of a worker whose answer took too long.
inline constexpr int exit_timed_out = 75;

// php-fpm's request_terminate_timeout, for the process that makes it: an answer that takes longer
// is given up. The client gets a 504, and the process ends, in whatever it was doing, with
// exit_timed_out. A timer interrupts it, by SIGALRM, which is let through only while an answer is
// being made. One per process.
class AnswerLimit {
 public:
  // `last_words` are called before the process ends: in a signal handler, which binds them.
  // A limit of 0 is none.
  AnswerLimit(std::chrono::milliseconds limit, std::function<void()> last_words);
  AnswerLimit(const AnswerLimit&) = delete;
  AnswerLimit& operator=(const AnswerLimit&) = delete;
  ~AnswerLimit();

  // From begin() to end() an answer is being made, of which no byte is sent.
  void begin(int connection, std::uint16_t request_id);
  void end();

 private:
  static void ring(int, siginfo_t* info, void*);
  void set(std::chrono::milliseconds time);
  [[noreturn]] void give_up();

  std::chrono::milliseconds limit_;
  std::function<void()> last_words_;
  std::string farewell_;  // the 504, all of its records
  int connection_ = -1;
  timer_t timer_{};
};

}  // namespace fcgi
