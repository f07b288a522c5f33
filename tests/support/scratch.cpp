#include "support/scratch.hpp"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

namespace support {
namespace {

bool in_use(key_t key) {
  return shmget(key, 0, 0) != -1 || semget(key, 0, 0) != -1 || msgget(key, 0) != -1;
}

// Tests run side by side: the process is in the key.
key_t unused_key() {
  static int count = 0;
  key_t key = 0;
  do {
    key = 0x61000000 + (getpid() & 0xffff) * 0x100 + (count++ & 0xff);
  } while (in_use(key));
  return key;
}

}  // namespace

ScratchKey::ScratchKey() : key_(sysv::Key{unused_key()}) {}

ScratchKey::~ScratchKey() {
  const auto key = static_cast<key_t>(key_);
  if (const int id = shmget(key, 0, 0); id != -1) shmctl(id, IPC_RMID, nullptr);
  if (const int id = semget(key, 0, 0); id != -1) semctl(id, 0, IPC_RMID);
  if (const int id = msgget(key, 0); id != -1) msgctl(id, IPC_RMID, nullptr);
}

}  // namespace support
