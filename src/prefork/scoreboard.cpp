#include "prefork/scoreboard.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "os/error.hpp"

namespace prefork {
namespace {

constexpr int most_looks = 1000;  // of a reader at a note that is being written

}  // namespace

void Note::write(std::span<const std::byte> bytes) noexcept {
  const std::size_t size = std::min(bytes.size(), capacity);
  const std::uint32_t version = version_.load(std::memory_order_relaxed) | 1U;
  version_.store(version, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  size_.store(static_cast<std::uint32_t>(size), std::memory_order_relaxed);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, size - at));
    words_[at / sizeof word].store(word, std::memory_order_relaxed);
  }
  version_.store(version + 1, std::memory_order_release);
}

std::size_t Note::read(std::span<std::byte> into) const noexcept {
  for (int look = 0; look < most_looks; ++look) {
    const std::uint32_t before = version_.load(std::memory_order_acquire);
    if (before == 0) return 0;
    if (before % 2 != 0) continue;
    const std::size_t written = size_.load(std::memory_order_relaxed);
    const std::size_t size = std::min({written, into.size(), capacity});
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
      const std::uint64_t word = words_[at / sizeof word].load(std::memory_order_relaxed);
      std::memcpy(into.data() + at, &word, std::min(sizeof word, size - at));
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version_.load(std::memory_order_relaxed) == before) return size;
  }
  return 0;
}

Scoreboard::Scoreboard(int slots) {
  const auto count = static_cast<std::size_t>(slots);
  const std::size_t size = sizeof(PoolRecord) + count * sizeof(Slot);
  static_assert(sizeof(PoolRecord) % alignof(Slot) == 0);
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) os::fail("mmap of the scoreboard");
  memory_ = {static_cast<std::byte*>(memory), size};
  pool_ = new (memory) PoolRecord;
  slots_ = {reinterpret_cast<Slot*>(memory_.data() + sizeof(PoolRecord)), count};
  std::uninitialized_default_construct(slots_.begin(), slots_.end());
}

Scoreboard::~Scoreboard() { munmap(memory_.data(), memory_.size()); }

void Scoreboard::clear(int slot) {
  Slot& cleared = (*this)[slot];
  const Change change(cleared);
  cleared.requests = 0;
  cleared.busy_since = 0;
  cleared.kept = 0;
  cleared.idle_since = 0;
  cleared.cpu = 0;
  cleared.spent = false;
  cleared.leaving = false;
  cleared.note.write({});
  cleared.stage = Slot::Stage::starting;
}

}  // namespace prefork
