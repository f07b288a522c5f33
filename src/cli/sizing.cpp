#include "cli/sizing.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "cli/value.hpp"

namespace cli {
namespace {

constexpr std::int64_t fewest = 2;
constexpr std::int64_t most_per_core = 4;
constexpr std::int64_t others_mb = 128;  // nginx, master, attendant, segment
constexpr std::int64_t worker_mb = 8;    // twice what one was seen to take

std::optional<std::int64_t> app_engine_memory() try {
  const char* const text = std::getenv("GAE_MEMORY_MB");
  if (text == nullptr) return std::nullopt;
  return whole_number(text, 1, 1'000'000'000);
} catch (const ConfigError&) {
  return std::nullopt;  // not worth a refusal to serve
}

}  // namespace

int workers_for(const Machine& machine) {
  std::int64_t workers = most_per_core * machine.cores;
  if (machine.memory_mb) workers = std::min(workers, (*machine.memory_mb - others_mb) / worker_mb);
  return static_cast<int>(std::max(workers, fewest));
}

Machine this_machine() {
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return {.cores = std::max(cores, 1), .memory_mb = app_engine_memory()};
}

}  // namespace cli
