#include "prefork/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace prefork {
namespace {

constexpr std::int64_t tick = 10'000'000;  // of php-fpm's clock
constexpr std::int64_t exact_enough = tick / 10;

std::int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Worker::Worker(Slot& slot, const Terms& terms) : Child(terms.master), slot_(slot), terms_(terms) {}

void Worker::idle() noexcept {
  const bool ready = slot_.stage == Slot::Stage::starting;
  {
    const Change change(slot_);
    rest(nanoseconds(CLOCK_MONOTONIC));
  }
  if (ready) ring();
}

void Worker::rest(std::int64_t now) noexcept {
  slot_.idle_since = now;
  slot_.stage = Slot::Stage::idle;
}

void Worker::begin(std::span<const std::byte> note) noexcept {
  const std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
  if (now - cpu_at_ > exact_enough) {
    cpu_ = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    cpu_at_ = now;
  }
  const Change change(slot_);
  slot_.busy_since = now;
  slot_.accepted.fetch_add(1, std::memory_order_relaxed);
  slot_.note.write(note);
  slot_.stage = Slot::Stage::busy;
}

void Worker::end() noexcept {
  const std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
  const std::int64_t took = now - slot_.busy_since;
  const bool is_long = took >= tick;
  const std::int64_t cpu = is_long ? nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_ : 0;
  const std::uint64_t requests = slot_.requests + 1;
  {
    const Change change(slot_);
    slot_.cpu = std::min(cpu, took);
    slot_.requests = requests;
    rest(now);
  }
  if (terms_.share == 0 || requests < terms_.share || slot_.spent) return;
  slot_.spent = true;
  ring();
}

// A full counter is rung enough.
void Worker::ring() const noexcept {
  const std::uint64_t one = 1;
  if (terms_.bell != -1) (void)!write(terms_.bell, &one, sizeof one);
}

}  // namespace prefork
