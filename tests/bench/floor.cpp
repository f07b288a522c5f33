#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "os/descriptor.hpp"
#include "os/process.hpp"
#include "sysv/key.hpp"
#include "visits/counter.hpp"

// The floor of the benchmark: a FastCGI responder that does no more than any has to. It looks at
// the headers of records to find where a request ends, reads nothing of what they hold, counts
// nothing, and answers with the same bytes each time.
//     bench_floor SOCKET WORKERS ANSWER [KEY]      ANSWER: a file, FastCGI records of request 1
// With a key it counts there as visits does, under PHP's lock: what that alone costs.

namespace {

using os::Descriptor;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::system_category(), what);
}

Descriptor listen_on(const std::string& path) {
  Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the path is too long");
  path.copy(address.sun_path, path.size());
  unlink(path.c_str());
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1) {
    fail("bind");
  }
  if (listen(listener.get(), 4096) == -1) fail("listen");
  return listener;
}

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// Where the requests on one connection end. Header: version, type, id (2), length (2), padding, 0.
class Boundaries {
 public:
  // The number of requests that end in these bytes, which follow those of the last call.
  int take(std::string_view bytes) {
    if (rest_.empty()) return take_whole(bytes);
    rest_ += bytes;
    const std::string all = std::move(rest_);
    rest_.clear();
    return take_whole(all);
  }

  bool keeps() const { return keeps_; }

 private:
  static constexpr std::size_t header = 8;
  static constexpr unsigned begin_request = 1;
  static constexpr unsigned standard_input = 5;

  int take_whole(std::string_view bytes) {
    int ends = 0;
    while (bytes.size() >= header) {
      const std::size_t length = byte_at(bytes, 4) << 8U | byte_at(bytes, 5);
      const std::size_t size = header + length + byte_at(bytes, 6);
      if (bytes.size() < size) break;
      if (byte_at(bytes, 1) == begin_request) keeps_ = (byte_at(bytes, header + 2) & 1U) != 0;
      if (byte_at(bytes, 1) == standard_input && length == 0) ++ends;
      bytes.remove_prefix(size);
    }
    rest_ = bytes;
    return ends;
  }

  std::string rest_;
  bool keeps_ = false;
};

class Worker {
 public:
  Worker(int listener, std::string_view answer, std::optional<sysv::Key> key)
      : listener_(listener), answer_(answer), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (key) counter_.emplace(visits::Counter::Settings{.key = *key}, [](const std::string&) {});
    watch(listener_, EPOLLIN | EPOLLEXCLUSIVE);
  }

  [[noreturn]] void serve() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept_one() : answer_on(fd);
      }
    }
  }

 private:
  struct Connection {
    Descriptor fd;
    Boundaries boundaries;
  };

  void watch(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == -1) fail("epoll_ctl");
  }

  void accept_one() {
    Descriptor fd(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.get() == -1) return;  // another worker was there first
    const int number = fd.get();
    watch(number, EPOLLIN);
    connections_[number].fd = std::move(fd);
  }

  void answer_on(int fd) {
    Boundaries& boundaries = connections_[fd].boundaries;
    const ssize_t size = read(fd, buffer_.data(), buffer_.size());
    if (size <= 0) return static_cast<void>(connections_.erase(fd));
    for (int i = boundaries.take({buffer_.data(), static_cast<std::size_t>(size)}); i > 0; --i) {
      if (counter_) counter_->add_visit();
      const bool sent = write(fd, answer_.data(), answer_.size()) > 0;
      if (!sent || !boundaries.keeps()) return static_cast<void>(connections_.erase(fd));
    }
  }

  int listener_;
  std::string_view answer_;
  std::optional<visits::Counter> counter_{};
  Descriptor epoll_;
  std::unordered_map<int, Connection> connections_;
  std::array<char, 65536> buffer_{};
};

std::string contents_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void start(int workers, int listener, const std::string& answer, std::optional<sysv::Key> key) {
  const pid_t master = getpid();
  for (int i = 0; i < workers; ++i) {
    const pid_t pid = fork();
    if (pid == -1) fail("fork");
    if (pid != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != master) _exit(0);
    os::be_batch();  // as visits
    std::make_unique<Worker>(listener, answer, key)->serve();
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 5) throw std::runtime_error("wanted: SOCKET WORKERS ANSWER [KEY]");
  std::signal(SIGPIPE, SIG_IGN);
  const std::string answer = contents_of(argv[3]);
  const Descriptor listener = listen_on(argv[1]);
  std::optional<sysv::Key> key;
  if (argc == 5) key = sysv::Key{std::atoi(argv[4])};
  start(std::atoi(argv[2]), listener.get(), answer, key);
  for (;;) pause();
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_floor: %s\n", error.what());
  return 1;
}
