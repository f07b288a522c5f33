#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "sysv/key.hpp"

namespace sysv {

// One attached shared memory segment: shmget, shmat and shmdt. Its bytes mean nothing here;
// `Variables` reads them as PHP does. Let go of at the end of its life; the memory itself stays
// until somebody removes it and the last process lets go. A forked child inherits the attachment
// and lets go of its own. Safe to read from any thread; what is written needs a semaphore.
class Segment {
 public:
  // The segment of that key, whatever its size; none if there is none.
  // Throws std::system_error, EACCES among others: PHP and we need to read and to write.
  static std::optional<Segment> open(Key key);

  // The same to look at: needs the right to read alone. REQUIRES: nothing is written to its bytes.
  static std::optional<Segment> open_to_read(Key key);

  // By its number in the kernel, to look at; for those whose key is 0 (IPC_PRIVATE), too.
  static std::optional<Segment> open_to_read(Key key, int id);

  // A new segment, all zero. None if somebody else made one first.
  static std::optional<Segment> create(Key key, std::size_t size, Access access = owner_only);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  Key key() const { return key_; }
  int id() const { return id_; }

  // As large as the kernel says, never as any header in it says.
  std::span<std::byte> bytes() const { return bytes_; }

  // Whether the key still leads here: false after ipcrm or shm_remove, even when there is a new
  // segment of the key by now. One system call.
  bool is_current() const;

  // Destroys it in the kernel once the last process has let go; the key is free at once.
  void remove();

  // The same by a key, and without attaching it. False if there is none.
  static bool remove(Key key);

  // "user 33, 10000 bytes", for messages.
  std::string description() const;

 private:
  Segment(Key key, int id, int flags);

  static std::optional<Segment> attach(Key key, int id, int flags);

  Key key_;
  int id_;
  std::span<std::byte> bytes_;
};

}  // namespace sysv
