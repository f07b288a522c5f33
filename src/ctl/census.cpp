#include "ctl/census.hpp"

#include <pwd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ctl {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

// One line, by the names of its columns.
class Row {
 public:
  Row(const Words& names, const Words& values) : names_(names), values_(values) {}

  bool is_whole() const { return names_.size() == values_.size(); }

  // 0 where there is no such column, or no number in it.
  std::int64_t number(std::string_view name, int base = 10) const {
    std::int64_t number = 0;
    for (std::size_t i = 0; i < names_.size() && i < values_.size(); ++i) {
      const std::string& text = values_[i];
      if (names_[i] == name) std::from_chars(text.data(), text.data() + text.size(), number, base);
    }
    return number;
  }

  pid_t pid(std::string_view name) const { return static_cast<pid_t>(number(name)); }

  Object object(std::string_view id) const {
    return {.key = sysv::Key{static_cast<key_t>(number("key"))},
            .id = static_cast<int>(number(id)),
            .mode = static_cast<mode_t>(number("perms", 8)),
            .uid = static_cast<uid_t>(number("uid")),
            .gid = static_cast<gid_t>(number("gid"))};
  }

 private:
  const Words& names_;
  const Words& values_;
};

template <class Entry, class Make>
std::vector<Entry> entries_in(const std::string& text, Make make) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const Words names = words_of(line);
  std::vector<Entry> entries;
  while (std::getline(lines, line)) {
    const Words values = words_of(line);
    const Row row(names, values);
    if (row.is_whole()) entries.push_back(make(row));
  }
  return entries;
}

std::string contents_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<SegmentEntry> segments_in(const std::string& text) {
  return entries_in<SegmentEntry>(text, [](const Row& row) {
    return SegmentEntry{.object = row.object("shmid"),
                        .size = row.number("size"),
                        .attached = row.number("nattch"),
                        .creator = row.pid("cpid"),
                        .last = row.pid("lpid")};
  });
}

std::vector<SetEntry> sets_in(const std::string& text) {
  return entries_in<SetEntry>(text, [](const Row& row) {
    return SetEntry{.object = row.object("semid"), .members = row.number("nsems")};
  });
}

std::vector<QueueEntry> queues_in(const std::string& text) {
  return entries_in<QueueEntry>(text, [](const Row& row) {
    return QueueEntry{.object = row.object("msqid"),
                      .messages = row.number("qnum"),
                      .bytes = row.number("cbytes"),
                      .last_sender = row.pid("lspid"),
                      .last_receiver = row.pid("lrpid")};
  });
}

Census census() {
  return {.segments = segments_in(contents_of("/proc/sysvipc/shm")),
          .sets = sets_in(contents_of("/proc/sysvipc/sem")),
          .queues = queues_in(contents_of("/proc/sysvipc/msg"))};
}

std::string name_of_user(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> room{};
  getpwuid_r(uid, &entry, room.data(), room.size(), &found);
  return found ? found->pw_name : std::to_string(uid);
}

std::string text_of_mode(mode_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 0777));
  return text.data();
}

}  // namespace ctl
