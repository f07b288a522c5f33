#pragma once

#include "os/privileges.hpp"

// What a process that serves is left with: whose rights, and which system calls.
class Confined {
 public:
  // In the master. Whether workers can be kept in a sandbox, as is wanted, is tried here; that they
  // cannot is a warning in the log.
  explicit Confined(const os::Confinement& confinement);

  // See Privileges.
  os::Confinement by_number() const { return privileges_.by_number(); }

  // In a child: first thing, and once it has opened what it needs.
  void drop_privileges() const { privileges_.apply(); }
  void enter_sandbox() const;

 private:
  os::Privileges privileges_;
  bool sandbox_;
};
