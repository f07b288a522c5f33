#pragma once

// Whichever Catch2 the system has: version 2 (Debian 12) or 3 (Debian 13).
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <unistd.h>

#include <string>

namespace support {

// For a test that only root can run: true for others, and the test counts as skipped. The caller
// returns at once.
inline bool lacks_root() {
  if (geteuid() == 0) return false;
#if __has_include(<catch2/catch_all.hpp>)
  SKIP("only root can try this");
#else
  WARN("SKIPPED: only root can try this");
#endif
  return true;
}

// Matches a text that has `part` in it.
inline auto contains(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

}  // namespace support
