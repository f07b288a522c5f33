#include "fcgi/screen.hpp"

#include <fcgiapp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.hpp"

// Any bytes as what arrives on a FastCGI socket. What the screen calls sound, libfcgi reads without
// an error, and finds in it what is there.

namespace {

using fcgi::Screen;
using fcgi::Verdict;
using fuzz::require;

using Pairs = std::vector<std::string>;  // "name=value"

std::size_t number(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

std::size_t take_length(std::string_view& text) {
  std::size_t length = number(text, 0);
  std::size_t size = 1;
  if (length >= 0x80) {
    length = (length & 0x7f) << 24 | number(text, 1) << 16 | number(text, 2) << 8 | number(text, 3);
    size = 4;
  }
  text.remove_prefix(size);
  return length;
}

// Of the one PARAMS record behind BEGIN_REQUEST (16 bytes).
Pairs pairs_in(std::string_view text) {
  std::string_view content = text.substr(24, number(text, 20) << 8 | number(text, 21));
  Pairs pairs;
  while (!content.empty()) {
    const std::size_t name = take_length(content);
    const std::size_t value = take_length(content);
    pairs.push_back(std::string(content.substr(0, name)) + "=" +
                    std::string(content.substr(name, value)));
    content.remove_prefix(name + value);
  }
  return pairs;
}

void check_with_libfcgi(const Screen& screen) {
  std::array<int, 2> ends{};
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0, "there are sockets");
  const auto size = static_cast<ssize_t>(screen.text().size());
  require(write(ends[0], screen.text().data(), screen.text().size()) == size, "and they have room");
  shutdown(ends[0], SHUT_WR);
  FCGX_Request request;
  FCGX_InitRequest(&request, -1, 0);
  request.ipcFd = ends[1];
  request.keepConnection = 1;
  require(FCGX_Accept_r(&request) == 0, "libfcgi takes what is sound");
  require(FCGX_GetError(request.in) == 0, "its parameters have no error");
  require(FCGX_GetChar(request.in) == EOF && FCGX_GetError(request.in) == 0, "its body is empty");
  require((request.keepConnection != 0) == screen.keeps(), "it is kept when that was asked for");
  require(request.requestId == screen.id(), "it has the same id");
  const Pairs pairs = pairs_in(screen.text());
  std::size_t at = 0;
  for (char** pair = request.envp + 1; *pair != nullptr; ++pair, ++at) {  // the first is the role
    require(at < pairs.size() && pairs[at] == *pair, "libfcgi finds the same parameters");
  }
  require(at == pairs.size(), "and all of them");
  request.detached = 1;
  FCGX_Free(&request, 1);
  close(ends[0]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int initialized = FCGX_Init();
  require(initialized == 0, "libfcgi starts");
  // On the heap and of that size: ASan watches what is behind.
  const std::vector<char> bytes(data, data + size);
  const std::string_view all(bytes.data(), bytes.size());
  Screen at_once;
  const Verdict verdict = at_once.take(all);
  Screen in_pieces;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Verdict before = in_pieces.verdict();
    in_pieces.take(all.substr(i, 1));
    require(before == Verdict::incomplete || in_pieces.verdict() == before, "a verdict stays");
  }
  require(in_pieces.verdict() == verdict, "pieces do not matter");
  require(in_pieces.text() == at_once.text(), "nor for what is passed on");
  require(in_pieces.has_surplus() == at_once.has_surplus(), "nor for what is too much");
  if (verdict == Verdict::sound) check_with_libfcgi(at_once);
  return 0;
}
