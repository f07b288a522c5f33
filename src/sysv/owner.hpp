#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "sysv/key.hpp"

namespace sysv {

// Whose an object is, and what it allows: also of one that this process may not use.
struct Owner {
  uid_t user;
  gid_t group;
  Access access;
};

// From /proc/sysvipc; none: there is no such object, or no /proc.
std::optional<Owner> owner_of_set(Key key);
std::optional<Owner> owner_of_segment(Key key);

// "www-data, mode 0600"; the user's number where it has no name.
std::string text_of(const Owner& owner);

}  // namespace sysv
