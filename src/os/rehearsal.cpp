#include "os/rehearsal.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "os/descriptor.hpp"
#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) == -1) fail("pipe2");
  return {.reader = Descriptor(ends[0]), .writer = Descriptor(ends[1])};
}

[[noreturn]] void perform(const std::function<void()>& act, int writer) noexcept {
  try {
    act();
    _exit(EXIT_SUCCESS);
  } catch (const std::exception& error) {
    const std::string_view words = error.what();
    (void)!write(writer, words.data(), words.size());
    _exit(EXIT_FAILURE);
  }
}

std::string all_of(int reader) {
  std::string text;
  std::array<char, 1024> part{};
  for (;;) {
    const ssize_t count = retry([&] { return read(reader, part.data(), part.size()); });
    if (count <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

void rehearse(const std::function<void()>& act) {
  Pipe pipe = make_pipe();
  const pid_t child = fork();
  if (child == -1) fail("fork");
  if (child == 0) perform(act, pipe.writer.get());
  pipe.writer.close();
  const std::string words = all_of(pipe.reader.get());
  int status = 0;
  if (retry([&] { return waitpid(child, &status, 0); }) == -1) fail("waitpid");
  if (!words.empty()) throw std::runtime_error(words);
  if (WIFSIGNALED(status)) {
    throw std::runtime_error("a worker would end on signal " + std::to_string(WTERMSIG(status)));
  }
}

}  // namespace os
