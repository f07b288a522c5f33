#pragma once

#include <cstdio>
#include <cstdlib>

namespace fuzz {

// What has to hold for every input. libFuzzer keeps the one that made it stop here.
inline void require(bool claim, const char* sentence) {
  if (claim) return;
  std::fprintf(stderr, "not so: %s\n", sentence);
  std::abort();
}

}  // namespace fuzz
