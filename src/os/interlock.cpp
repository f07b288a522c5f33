#include "os/interlock.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "os/error.hpp"
#include "os/log.hpp"
#include "os/process.hpp"

namespace os {
namespace {

constexpr const char* heirloom_name = "interlock";
constexpr int attempts_at_the_living = 10;  // who was killed a moment ago may not look like it yet
constexpr int flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr int most_askers = 4096;  // who ask who holds it: nobody accepts them, ever

struct Address {
  sockaddr_un bytes{};
  socklen_t size = 0;

  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

std::string ipc_namespace() {
  std::array<char, 64> text{};
  const ssize_t size = readlink("/proc/self/ns/ipc", text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

Address address_of(const std::string& name) {
  const std::string text = "visits " + ipc_namespace() + " " + name;
  Address address;
  address.bytes.sun_family = AF_UNIX;
  const std::size_t room = sizeof address.bytes.sun_path - 1;  // the first byte is 0: abstract
  const std::size_t length = text.copy(address.bytes.sun_path + 1, room);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  return address;
}

// None: nobody holds it any more, or it does not say who does.
std::optional<ucred> holder_of(const Address& address) {
  const Descriptor asker(socket(AF_UNIX, flags, 0));
  if (connect(asker.get(), address.generic(), address.size) == -1) return std::nullopt;
  ucred holder{};
  socklen_t size = sizeof holder;
  if (getsockopt(asker.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) == -1) return std::nullopt;
  return holder;
}

bool is_trusted(const ucred& holder) { return holder.uid == 0 || holder.uid == geteuid(); }

[[noreturn]] void refuse(const std::string& name, const std::optional<ucred>& holder) {
  throw std::runtime_error(
      name + ": in use by another pool, " +
      (holder ? "process " + std::to_string(holder->pid) : "whose process is not known") +
      "; stop it, or choose another");
}

}  // namespace

Interlock::Interlock(std::string name) : name_(std::move(name)) { take(); }

Interlock::Interlock(std::string name, Inheritance& inheritance) : name_(std::move(name)) {
  auto held = inheritance.take(
      heirloom_name, [this](const Inheritance::Heirloom& held) { return held.note == name_; });
  if (held) {
    socket_ = std::move(held->fd);
  } else {
    take();
  }
}

// A pool whose master was killed takes its workers along, a moment later.
void Interlock::take() {
  using namespace std::chrono_literals;
  std::optional<ucred> holder;
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (try_to_take()) return;
    // Each look leaves its mark in the holder's queue: not at every turn.
    if (attempt >= attempts_at_the_living) holder = holder_of(address_of(name_));
    if (holder && !is_trusted(*holder)) {
      return log(Level::warning, name_ + ": process " + std::to_string(holder->pid) + " of user " +
                                     std::to_string(holder->uid) +
                                     " holds its name; a second pool will not be noticed");
    }
    if (holder && is_running(holder->pid) && attempt >= attempts_at_the_living) break;
    std::this_thread::sleep_for(10ms);
  }
  refuse(name_, holder);
}

bool Interlock::try_to_take() {
  Descriptor socket(::socket(AF_UNIX, flags, 0));
  if (!socket) fail("socket");
  const Address address = address_of(name_);
  if (bind(socket.get(), address.generic(), address.size) == -1) {
    if (errno != EADDRINUSE) fail("bind " + name_);
    return false;
  }
  if (listen(socket.get(), most_askers) == -1) fail("listen " + name_);
  socket_ = std::move(socket);
  return true;
}

void Interlock::hand_over(Handover& handover) const {
  if (socket_) handover.give(heirloom_name, socket_.get(), name_);
}

bool Interlock::is_in(const Handover& handover, const std::string& name) {
  const Handover::Item* const item = handover.find(heirloom_name);
  return item != nullptr && item->note == name;
}

}  // namespace os
