#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sysv/key.hpp"

namespace ctl {

// What /proc/sysvipc tells of any System V object, also of those that one may not open.
struct Object {
  sysv::Key key;  // 0: private, found by its id alone
  int id;
  mode_t mode;
  uid_t uid;
  gid_t gid;
};

struct SegmentEntry {
  Object object;
  std::int64_t size;
  std::int64_t attached;  // how often, by all processes
  pid_t creator;
  pid_t last;  // that attached or let go
};

struct SetEntry {
  Object object;
  std::int64_t members;
};

struct QueueEntry {
  Object object;
  std::int64_t messages;
  std::int64_t bytes;  // of their bodies
  pid_t last_sender;
  pid_t last_receiver;
};

// Every object of our IPC name space.
struct Census {
  std::vector<SegmentEntry> segments;
  std::vector<SetEntry> sets;
  std::vector<QueueEntry> queues;
};
Census census();

// The parts of it, from the texts of /proc/sysvipc/shm, sem and msg. Columns are found by their
// names; lines that lack some are left out.
std::vector<SegmentEntry> segments_in(const std::string& text);
std::vector<SetEntry> sets_in(const std::string& text);
std::vector<QueueEntry> queues_in(const std::string& text);

// The user's name; the number where there is none.
std::string name_of_user(uid_t uid);

// The permission bits as four octal digits: "0664".
std::string text_of_mode(mode_t mode);

}  // namespace ctl
