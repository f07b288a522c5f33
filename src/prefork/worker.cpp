#include "prefork/worker.hpp"

#include <unistd.h>

#include <ctime>
#include <utility>

namespace prefork {
namespace {

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
    rest();
  }
  if (ready) ring();
}

void Worker::rest() noexcept {
  slot_.idle_since = nanoseconds(CLOCK_MONOTONIC);
  slot_.stage = Slot::Stage::idle;
}

void Worker::begin(std::span<const std::byte> note) noexcept {
  const Change change(slot_);
  slot_.busy_since = nanoseconds(CLOCK_MONOTONIC);
  slot_.accepted.fetch_add(1, std::memory_order_relaxed);
  slot_.note.write(note);
  slot_.stage = Slot::Stage::busy;
}

void Worker::end() noexcept {
  const std::int64_t cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  const std::uint64_t requests = slot_.requests + 1;
  {
    const Change change(slot_);
    slot_.cpu = cpu - std::exchange(cpu_, cpu);
    slot_.requests = requests;
    rest();
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
