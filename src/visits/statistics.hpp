#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace visits {

// A number that one process adds to and others read. Zeroed memory is a tally of 0.
class Tally {
 public:
  void add(std::uint64_t more = 1) noexcept {
    value_.store(value() + more, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// How often something took how long. One process adds, others read.
class Histogram {
 public:
  // Upper bounds of the buckets, in microseconds; what takes exactly that long is in. There is one
  // bucket more, without a bound.
  static constexpr std::array<std::int64_t, 17> bounds_us = {
      50,     100,     250,     500,     1'000,     2'500,     5'000,     10'000,    25'000,
      50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

  struct Reading {
    std::array<std::uint64_t, bounds_us.size() + 1> counts{};  // of each bucket alone
    std::chrono::nanoseconds sum{0};

    std::uint64_t count() const noexcept;
    Reading& operator+=(const Reading& other) noexcept;
  };

  void add(std::chrono::nanoseconds duration) noexcept;  // below zero counts as zero
  Reading read() const noexcept;

 private:
  std::array<Tally, bounds_us.size() + 1> counts_;
  Tally sum_;  // nanoseconds
};

// What the workers have done since the pool started: one row per slot, which only the worker in
// that slot writes, and the next one there goes on with. In anonymous memory that all processes
// share which are forked after it was made. Everybody reads, without a lock.
class Statistics {
 public:
  // Status codes with a number of their own; the last stands for every other.
  static constexpr std::array<int, 8> statuses = {200, 400, 404, 405, 500, 503, 504, 0};

  struct alignas(64) Row {
    std::array<Tally, statuses.size()> answers;  // see answered()
    Tally visits;                                // counted
    Tally dropped_events;
    Tally refused;    // had waited for longer than queue.max_age
    Tally abandoned;  // not begun: the client had left, or did not take its former answers
    Histogram service;
    Histogram queue;  // from the web server's REQUEST_START to the worker's begin

    void answered(int status) noexcept;
  };

  struct Totals {
    std::array<std::uint64_t, statuses.size()> answers{};
    std::uint64_t visits = 0;
    std::uint64_t dropped_events = 0;
    std::uint64_t refused = 0;
    std::uint64_t abandoned = 0;
    Histogram::Reading service;
    Histogram::Reading queue;
  };

  // Throws std::system_error.
  explicit Statistics(int slots);
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;
  ~Statistics();

  Row& operator[](int slot) { return rows_[static_cast<std::size_t>(slot)]; }
  Totals totals() const noexcept;

 private:
  std::span<Row> rows_;
};

}  // namespace visits
