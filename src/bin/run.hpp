#pragma once

#include <span>

#include "bin/duties.hpp"

using Words = std::span<const char* const>;

// All of visitsd: does what the words say, the program's name first, and returns the exit code.
int run(Words words, const Around& around = {});
