#include "support/limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "os/descriptor.hpp"

namespace support {
namespace {

void allow_descriptors_below(rlim_t number) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = number;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// New descriptors get the lowest numbers that are free: these are tried out, then given back.
void leave_room_for(int descriptors) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  allow_descriptors_below(limit.rlim_max);
  std::vector<os::Descriptor> taken;
  for (int i = 0; i <= descriptors; ++i) taken.emplace_back(dup(STDERR_FILENO));
  allow_descriptors_below(static_cast<rlim_t>(taken.back().get()));
}

}  // namespace support
