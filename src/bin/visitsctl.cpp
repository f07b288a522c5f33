#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "ctl/program.hpp"
#include "os/signals.hpp"

namespace {

// From the first call on, signals no longer end the program but wait to be asked for: a command
// that takes something away can finish what it is at.
bool interrupted(std::chrono::milliseconds pause) {
  static const os::Descriptor signals = [] {
    os::block_signals();
    return os::signal_descriptor({SIGINT, SIGTERM, SIGHUP});
  }();
  pollfd wanted{signals.get(), POLLIN, 0};
  return poll(&wanted, 1, static_cast<int>(pause.count())) > 0;
}

bool has_reader() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const ctl::Console console{.in = std::cin,
                             .out = std::cout,
                             .err = std::cerr,
                             .is_terminal = isatty(STDIN_FILENO) == 1,
                             .interrupted = interrupted,
                             .has_reader = has_reader};
  return static_cast<int>(ctl::run(words, console, VISITS_VERSION));
}
