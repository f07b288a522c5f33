#include "fcgi/answer_limit.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "http/response.hpp"
#include "os/signals.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"

using namespace std::chrono_literals;
using fcgi::AnswerLimit;

namespace {

struct Line {
  os::Descriptor web_server;
  os::Descriptor connection;
  support::Signpost said;

  Line() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    connection = os::Descriptor(ends[0]);
    web_server = os::Descriptor(ends[1]);
  }

  // The exit code of a process in which an answer is made.
  int answer(std::chrono::milliseconds limit, const std::function<int(AnswerLimit&)>& body) {
    return support::in_child([&] {
      os::block_signals();
      AnswerLimit answer_limit(limit, [this] { said.reach(); });
      return body(answer_limit);
    });
  }
};

}  // namespace

TEST_CASE_METHOD(Line, "An answer that takes too long is a 504, the last words, and the end") {
  CHECK(answer(20ms, [this](AnswerLimit& limit) {
          limit.begin(connection.get(), 1);
          for (;;) pause();
          return 0;
        }) == fcgi::exit_timed_out);
  CHECK_THAT(support::answer_on(web_server.get()).value_or(""),
             support::contains("Status: 504 Gateway Timeout\r\n"));
  CHECK(said.reached_within(0));
}

TEST_CASE_METHOD(Line, "The 504 has its request's id in every record, and nothing follows it") {
  answer(1ms, [this](AnswerLimit& limit) {
    limit.begin(connection.get(), 0x1234);
    for (;;) pause();
    return 0;
  });
  connection.close();
  std::string bytes(4096, '\0');
  const ssize_t size = recv(web_server.get(), bytes.data(), bytes.size(), 0);
  REQUIRE(size > 0);
  bytes.resize(static_cast<std::size_t>(size));
  int records = 0;
  for (std::size_t at = 0; at < bytes.size(); ++records) {
    CHECK(bytes.substr(at + 2, 2) == "\x12\x34");
    const auto high = static_cast<unsigned char>(bytes[at + 4]);
    const auto low = static_cast<unsigned char>(bytes[at + 5]);
    at += 8 + high * 256U + low;
  }
  CHECK(records == 3);
  CHECK(support::ends(web_server.get()));
}

TEST_CASE_METHOD(Line, "An answer in time is left alone, and so is what comes after it") {
  CHECK(answer(50ms, [this](AnswerLimit& limit) {
          for (int i = 0; i < 3; ++i) {
            limit.begin(connection.get(), 1);
            limit.end();
          }
          std::this_thread::sleep_for(120ms);
          return 0;
        }) == 0);
  CHECK_FALSE(support::is_readable(web_server.get()));
}

TEST_CASE_METHOD(Line, "A SIGALRM from somebody else ends no answer") {
  CHECK(answer(10s, [this](AnswerLimit& limit) {
          limit.begin(connection.get(), 1);
          kill(getpid(), SIGALRM);
          limit.end();
          kill(getpid(), SIGALRM);
          limit.begin(connection.get(), 1);
          limit.end();
          return 0;
        }) == 0);
}

TEST_CASE_METHOD(Line, "Without a limit an answer takes its time") {
  CHECK(answer(0ms, [this](AnswerLimit& limit) {
          limit.begin(connection.get(), 1);
          std::this_thread::sleep_for(50ms);
          limit.end();
          return 0;
        }) == 0);
}
