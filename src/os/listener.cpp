#include "os/listener.hpp"

#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "os/error.hpp"
#include "os/log.hpp"

namespace os {
namespace {

constexpr int socket_flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail("listen " + path, "a unix socket's path has at most 107 bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Held while a path is looked at, cleared and bound, so that two starters take turns. A directory
// can be locked like a file, and no lock file is left behind. The lock is held for microseconds by
// us; somebody else's, which anyone who can read the directory can take, is not waited for long.
Descriptor lock_directory_of(const std::string& path) {
  using namespace std::chrono_literals;
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  Descriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail("listen " + path);
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    std::this_thread::sleep_for(10ms);
  }
  fail("flock " + directory, "another program keeps this directory locked");
}

[[noreturn]] void taken(const std::string& path, const char* why) {
  errno = EADDRINUSE;
  fail("listen " + path, why);
}

bool is_alive(const sockaddr_un& address) {
  const Descriptor probe(socket(AF_UNIX, socket_flags, 0));
  if (!probe) fail("socket");
  return connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED;
}

// A pool whose master was killed takes its workers along, a moment later.
void wait_for_dying(const std::string& path, const sockaddr_un& address) {
  using namespace std::chrono_literals;
  for (int attempt = 0; attempt < 50; ++attempt) {
    if (access(path.c_str(), F_OK) == -1 || !is_alive(address)) return;
    std::this_thread::sleep_for(10ms);
  }
}

void clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == -1) return;
  if (!S_ISSOCK(status.st_mode)) taken(path, "something that is not a socket has this name");
  if (is_alive(address)) taken(path, "another process listens there");
  if (unlink(path.c_str()) == -1) fail("unlink " + path);
}

template <class Id>
std::optional<Id> number_in(std::string_view text) {
  Id id{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

uid_t user_id(const std::string& name) {
  if (const auto id = number_in<uid_t>(name)) return *id;
  if (const passwd* entry = getpwnam(name.c_str())) return entry->pw_uid;
  throw std::invalid_argument("listen.owner: no user is called " + name);
}

gid_t group_id(const std::string& name) {
  if (const auto id = number_in<gid_t>(name)) return *id;
  if (const group* entry = getgrnam(name.c_str())) return entry->gr_gid;
  throw std::invalid_argument("listen.group: no group is called " + name);
}

struct HostAndPort {
  std::string host;  // empty: every local address
  std::string port;
};

HostAndPort split(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return {"", address};
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {host, address.substr(colon + 1)};
}

// IPv6's takes IPv4 as well; the other is for a kernel without IPv6.
const char* every_address() {
  return Descriptor(socket(AF_INET6, socket_flags, 0)) ? "::" : "0.0.0.0";
}

using AddressInfo = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// Numeric only: a name that resolves differently tomorrow is no place to listen. The port is looked
// at here, because getaddrinfo(3) takes none for 0 and 65536 for 0, too.
AddressInfo resolve(const std::string& address) {
  const auto [host, port] = split(address);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* const where = host.empty() ? every_address() : host.c_str();
  if (!number_in<std::uint16_t>(port) || getaddrinfo(where, port.c_str(), &hints, &found) != 0) {
    throw std::invalid_argument("listen " + address +
                                ": not a /path, IPv4:port, [IPv6]:port or port");
  }
  return {found, freeaddrinfo};
}

bool is_listening(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

bool has_address(int fd, const sockaddr* wanted, socklen_t wanted_size) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         size == wanted_size && std::memcmp(&address, wanted, size) == 0;
}

bool is_at_path(int fd, const std::string& path) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sun_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path) &&
         std::string_view(address.sun_path, size - offsetof(sockaddr_un, sun_path))
                 .substr(0, path.size() + 1) == std::string_view(path.c_str(), path.size() + 1);
}

bool listens_at(int fd, const std::string& address) {
  if (!is_listening(fd)) return false;
  if (address.starts_with('/')) return is_at_path(fd, address);
  const AddressInfo wanted = resolve(address);
  return has_address(fd, wanted->ai_addr, wanted->ai_addrlen);
}

// 0: nothing has that name.
ino_t inode_at(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// A handed-over socket's note: the inode of its path (0: it has none that is ours), and its
// address.
struct Origin {
  ino_t inode;
  std::string address;

  std::string note() const { return std::to_string(inode) + " " + address; }
  static Origin of(const std::string& note) {
    const auto space = note.find(' ');
    if (space == std::string::npos) return {0, {}};
    return {number_in<ino_t>(note.substr(0, space)).value_or(0), note.substr(space + 1)};
  }
  // Without its path nobody would find it, however well it listens.
  bool is_in_place() const { return inode == 0 || inode == inode_at(address); }
};

void remove_path(const Origin& origin) {
  if (origin.inode != 0 && origin.is_in_place()) unlink(origin.address.c_str());
}

}  // namespace

Listener::Listener(Unbound, Endpoint endpoint) : endpoint_(std::move(endpoint)), maker_(getpid()) {}

// Delegates first, so that the destructor cleans up after a failure half-way.
Listener::Listener(Endpoint endpoint) : Listener(Unbound{}, std::move(endpoint)) { listen(); }

Listener::Listener(Endpoint endpoint, Inheritance& inheritance, const std::string& name)
    : Listener(Unbound{}, std::move(endpoint)) {
  if (!succeed(inheritance, name) && !take_from_systemd(inheritance)) listen();
}

bool Listener::succeed(Inheritance& inheritance, const std::string& name) {
  auto ours = inheritance.take(name);
  if (!ours) return false;
  const Origin origin = Origin::of(ours->note);
  const bool is_found = origin.is_in_place() || inheritance.refusal();
  if (origin.address != endpoint_.address || !is_listening(ours->fd.get()) || !is_found) {
    inheritance.once_settled([origin] { remove_path(origin); });
    return false;
  }
  adopt(std::move(ours->fd), origin.inode, inheritance);
  return true;
}

bool Listener::take_from_systemd(Inheritance& inheritance) {
  auto given = inheritance.take(Inheritance::of_systemd, [this](const auto& heirloom) {
    return listens_at(heirloom.fd.get(), endpoint_.address);
  });
  if (given) adopt(std::move(given->fd), 0, inheritance);
  return given.has_value();
}

void Listener::listen() {
  if (endpoint_.address.starts_with('/')) {
    listen_unix();
  } else {
    listen_tcp();
  }
}

// Nothing here may fail: the pool that listened here serves already.
void Listener::adopt(Descriptor socket, ino_t inode, Inheritance& inheritance) {
  socket_ = std::move(socket);
  inode_ = inode;
  maker_ = 0;
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  inheritance.once_settled([this] { appropriate(); });
}

void Listener::appropriate() {
  maker_ = getpid();
  if (inode_ == 0 && endpoint_.address.starts_with('/')) return;  // systemd's
  ::listen(socket_.get(), endpoint_.backlog);                     // with the new backlog
  try {
    if (inode_ != 0) set_permissions();
  } catch (const std::exception& error) {
    log(Level::warning, std::string(error.what()) + "; left as it was");
  }
}

void Listener::hand_over(Handover& handover, const std::string& name) const {
  handover.give(name, socket_.get(), Origin{inode_, endpoint_.address}.note());
}

Listener::~Listener() {
  if (getpid() == maker_) close();
}

void Listener::listen_unix() {
  const std::string& path = endpoint_.address;
  const sockaddr_un address = unix_address(path);
  wait_for_dying(path, address);
  const Descriptor turn = lock_directory_of(path);
  clear_stale(path, address);

  socket_ = Descriptor(socket(AF_UNIX, socket_flags, 0));
  if (!socket_) fail("socket");
  if (bind(socket_.get(), generic(address), sizeof address) == -1) fail("bind " + path);
  inode_ = inode_at(path);
  set_permissions();  // before listen(2): until then every connect is refused
  if (::listen(socket_.get(), endpoint_.backlog) == -1) fail("listen " + path);
}

void Listener::set_permissions() const {
  const std::string& path = endpoint_.address;
  const uid_t owner = endpoint_.owner ? user_id(*endpoint_.owner) : static_cast<uid_t>(-1);
  const gid_t group = endpoint_.group ? group_id(*endpoint_.group) : static_cast<gid_t>(-1);
  if (chown(path.c_str(), owner, group) == -1) fail("chown " + path);
  if (chmod(path.c_str(), endpoint_.mode) == -1) fail("chmod " + path);
}

void Listener::listen_tcp() {
  const std::string& name = endpoint_.address;
  const AddressInfo found = resolve(name);
  socket_ = Descriptor(socket(found->ai_family, socket_flags, 0));
  if (!socket_) fail("socket");
  const int on = 1;
  const int off = 0;
  setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found->ai_family == AF_INET6) {
    setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(socket_.get(), found->ai_addr, found->ai_addrlen) == -1) fail("bind " + name);
  if (::listen(socket_.get(), endpoint_.backlog) == -1) fail("listen " + name);
}

bool Listener::is_in(const Handover& handover, const std::string& name,
                     const std::string& address) {
  const Handover::Item* const item = handover.find(name);
  return item != nullptr && Origin::of(item->note).address == address;
}

void Listener::give_up(Inheritance& inheritance, const std::string& name) {
  if (const auto held = inheritance.take(name)) remove_path(Origin::of(held->note));
}

// The path first: while the socket is open, nobody takes the path for stale, and no other file can
// have its inode.
void Listener::close() {
  if (!socket_) return;
  remove_path({inode_, endpoint_.address});
  socket_.close();
}

}  // namespace os
