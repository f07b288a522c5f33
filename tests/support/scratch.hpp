#pragma once

#include "sysv/key.hpp"

namespace support {

// A key that nobody uses, for one test. Whatever exists at it afterwards, of any of the three
// families, is removed.
class ScratchKey {
 public:
  ScratchKey();
  ScratchKey(const ScratchKey&) = delete;
  ScratchKey& operator=(const ScratchKey&) = delete;
  ~ScratchKey();

  sysv::Key get() const { return key_; }
  int number() const { return static_cast<int>(key_); }

 private:
  sysv::Key key_;
};

// A Catch2 fixture with such a key.
struct Scratch {
  ScratchKey scratch;
  sysv::Key key = scratch.get();
};

}  // namespace support
