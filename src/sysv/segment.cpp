#include "sysv/segment.hpp"

#include <sys/ipc.h>
#include <sys/shm.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "os/error.hpp"

namespace sysv {
namespace {

key_t number(Key key) { return static_cast<key_t>(key); }

const char* hint_for(int error) {
  if (error == ENOSPC) return "not about disks: the limits in kernel.shm* are reached, see ipcs -l";
  if (error == EACCES || error == EPERM) return "the segment belongs to another user, see ipcs -m";
  if (error == EINVAL) return "a size outside what kernel.shmmax allows";
  return "";
}

[[noreturn]] void fail(const char* call, Key key) {
  os::fail(std::string(call) + ": key " + text_of(key), hint_for(errno));
}

shmid_ds status_of(Key key, int id) {
  shmid_ds status{};
  if (shmctl(id, IPC_STAT, &status) == -1) fail("shmctl", key);
  return status;
}

bool is_gone(int error) { return error == EINVAL || error == EIDRM; }

// Asks for no rights yet; shmat does.
std::optional<int> find(Key key) {
  const int id = shmget(number(key), 0, 0);
  if (id == -1 && errno == ENOENT) return std::nullopt;
  if (id == -1) fail("shmget", key);
  return id;
}

}  // namespace

Segment::Segment(Key key, int id, int flags) : key_(key), id_(id) {
  void* const start = shmat(id, nullptr, flags);
  if (reinterpret_cast<std::intptr_t>(start) == -1) fail("shmat", key);
  bytes_ = {static_cast<std::byte*>(start), 1};  // from here on the destructor lets go of it
  bytes_ = {bytes_.data(), status_of(key, id).shm_segsz};
}

std::optional<Segment> Segment::open(Key key) {
  const auto id = find(key);
  return id ? attach(key, *id, 0) : std::nullopt;
}

std::optional<Segment> Segment::open_to_read(Key key) {
  const auto id = find(key);
  return id ? open_to_read(key, *id) : std::nullopt;
}

std::optional<Segment> Segment::open_to_read(Key key, int id) {
  return attach(key, id, SHM_RDONLY);
}

std::optional<Segment> Segment::attach(Key key, int id, int flags) {
  try {
    return Segment(key, id, flags);
  } catch (const std::system_error& error) {
    if (is_gone(error.code().value())) return std::nullopt;  // removed since the shmget above
    throw;
  }
}

std::optional<Segment> Segment::create(Key key, std::size_t size, Access access) {
  const int id = shmget(number(key), size, static_cast<int>(access) | IPC_CREAT | IPC_EXCL);
  if (id == -1 && errno == EEXIST) return std::nullopt;
  if (id == -1) fail("shmget", key);
  return Segment(key, id, 0);
}

Segment::Segment(Segment&& other) noexcept
    : key_(other.key_), id_(other.id_), bytes_(std::exchange(other.bytes_, {})) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(key_, other.key_);
  std::swap(id_, other.id_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Segment::~Segment() {
  if (!bytes_.empty()) shmdt(bytes_.data());
}

bool Segment::is_current() const { return shmget(number(key_), 0, 0) == id_; }

void Segment::remove() {
  if (shmctl(id_, IPC_RMID, nullptr) == -1 && !is_gone(errno)) fail("shmctl", key_);
}

bool Segment::remove(Key key) {
  const auto id = find(key);
  if (!id) return false;
  if (shmctl(*id, IPC_RMID, nullptr) == 0) return true;
  if (is_gone(errno)) return false;
  fail("shmctl", key);
}

std::string Segment::description() const {
  shmid_ds status{};
  if (shmctl(id_, IPC_STAT, &status) == -1) return "removed";
  return "user " + std::to_string(status.shm_perm.uid) + ", " + std::to_string(bytes_.size()) +
         " bytes";
}

}  // namespace sysv
