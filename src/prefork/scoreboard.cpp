#include "prefork/scoreboard.hpp"

#include <sys/mman.h>

#include <memory>

#include "os/error.hpp"

namespace prefork {

Scoreboard::Scoreboard(int slots) {
  const auto count = static_cast<std::size_t>(slots);
  void* const memory = mmap(nullptr, count * sizeof(Slot), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) os::fail("mmap of the scoreboard");
  slots_ = {static_cast<Slot*>(memory), count};
  std::uninitialized_default_construct(slots_.begin(), slots_.end());
}

Scoreboard::~Scoreboard() { munmap(slots_.data(), slots_.size_bytes()); }

void Scoreboard::clear(int slot) {
  (*this)[slot].stage = Slot::Stage::starting;
  (*this)[slot].requests = 0;
}

}  // namespace prefork
