#include "prefork/timekeeper.hpp"

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Timekeeper;
using Verdict = Timekeeper::Verdict;

TEST_CASE("Without limits a request takes as long as it likes") {
  Timekeeper timekeeper({}, 1);
  const auto judgement = timekeeper.judge(0, 1s, 100h);
  CHECK(judgement.verdict == Verdict::fine);
  CHECK(judgement.next == Timekeeper::Time::max());
  CHECK_FALSE(timekeeper.interval());
}

TEST_CASE("A slow request is said once, and the next one anew") {
  Timekeeper timekeeper({.request_slowlog_timeout = 2s}, 2);
  CHECK(timekeeper.judge(0, 10s, 11s).verdict == Verdict::fine);
  CHECK(timekeeper.judge(0, 10s, 11s).next == 12s);
  CHECK(timekeeper.judge(0, 10s, 12s).verdict == Verdict::slow);
  CHECK(timekeeper.judge(0, 10s, 13s).verdict == Verdict::fine);
  CHECK(timekeeper.judge(0, 10s, 13s).next == Timekeeper::Time::max());
  CHECK(timekeeper.judge(1, 10s, 13s).verdict == Verdict::slow);
  CHECK(timekeeper.judge(0, 20s, 22s).verdict == Verdict::slow);
}

TEST_CASE("A worker has half as long again, and a second at least, to end an overdue request") {
  CHECK(Timekeeper({.request_terminate_timeout = 100ms}, 1).last_moment() == 1100ms);
  CHECK(Timekeeper({.request_terminate_timeout = 2s}, 1).last_moment() == 3s);
  CHECK(Timekeeper({.request_terminate_timeout = 60s}, 1).last_moment() == 90s);
  Timekeeper timekeeper({.request_terminate_timeout = 60s}, 1);
  CHECK(timekeeper.judge(0, 10s, 99s).verdict == Verdict::fine);
  CHECK(timekeeper.judge(0, 10s, 99s).next == 100s);
  CHECK(timekeeper.judge(0, 10s, 100s).verdict == Verdict::overdue);
}

TEST_CASE("A request is slow first and overdue then") {
  Timekeeper timekeeper({.request_terminate_timeout = 2s, .request_slowlog_timeout = 1s}, 1);
  CHECK(timekeeper.judge(0, 10s, 10s).next == 11s);
  CHECK(timekeeper.judge(0, 10s, 11s).verdict == Verdict::slow);
  CHECK(timekeeper.judge(0, 10s, 12s).next == 13s);
  CHECK(timekeeper.judge(0, 10s, 13s).verdict == Verdict::overdue);
}

TEST_CASE("Short slow requests are looked for more often") {
  CHECK_FALSE(Timekeeper({.request_slowlog_timeout = 2s}, 1).interval());
  CHECK(Timekeeper({.request_slowlog_timeout = 500ms}, 1).interval() == 250ms);
  CHECK(Timekeeper({.request_slowlog_timeout = 1ms}, 1).interval() == 10ms);
}
