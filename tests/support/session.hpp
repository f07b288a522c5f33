#pragma once

#include <chrono>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "ctl/program.hpp"
#include "support/scratch.hpp"

namespace support {

// What one call of visitsctl did, without a process of its own.
struct Outcome {
  int code;
  std::string out;
  std::string err;
};

// A Catch2 fixture that calls visitsctl ipc VERB, with a key that nobody uses.
struct Session : Scratch {
  std::string key_text = sysv::text_of(key);
  bool is_terminal = false;
  std::string answer;        // what the user types
  int looks = 1;             // after so many the user interrupts
  std::function<void()> at;  // what happens between two looks
  bool has_reader = true;
  bool can_print = true;

  Outcome ipc(std::vector<std::string> words) {
    words.insert(words.begin(), "ipc");
    return call(words);
  }

  Outcome call(const std::vector<std::string>& words) {
    std::istringstream in(answer);
    std::ostringstream out;
    std::ostringstream err;
    int left = looks;
    const auto interrupted = [&](std::chrono::milliseconds) {
      if (at) at();
      return left-- == 0;
    };
    if (!can_print) out.setstate(std::ios::badbit);
    const ctl::Console console{in, out, err, is_terminal, interrupted, [&] { return has_reader; }};
    const auto code = ctl::run(words, console, "1.2.3");
    return {static_cast<int>(code), out.str(), err.str()};
  }
};

}  // namespace support
