#pragma once

#include <string>

#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"

namespace os {

// Something that one pool of this machine may have at a time, and that is no file: it is held under
// a name, in the kernel alone (an abstract unix socket), for as long as this process or a child
// lives, and no death leaves it held. The name is one per IPC namespace, as System V keys are.
//
// It keeps honest pools apart. It is no guard against others: a process of a user who is neither
// root nor this one's cannot keep a pool from starting by holding the name first; that is said in
// the log.
class Interlock {
 public:
  // Throws std::runtime_error, naming the holder, if another process holds it.
  explicit Interlock(std::string name);

  // The same, but what the image before this one held under that name is simply held on.
  Interlock(std::string name, Inheritance& inheritance);

  void hand_over(Handover& handover) const;

  // Whether it goes along in that handover.
  static bool is_in(const Handover& handover, const std::string& name);

 private:
  void take();
  bool try_to_take();

  std::string name_;
  Descriptor socket_;
};

}  // namespace os
