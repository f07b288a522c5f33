#include "sysv/owner.hpp"

#include <pwd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace sysv {
namespace {

using Row = std::map<std::string, std::string>;

// Both files have a line with the names of the columns above the others, and not the same columns.
std::optional<Row> row_of(Key key, const char* file) {
  std::ifstream table(file);
  std::string names;
  std::getline(table, names);
  for (std::string line; std::getline(table, line);) {
    std::istringstream columns(names);
    std::istringstream values(line);
    Row row;
    for (std::string name; columns >> name;) values >> row[name];
    if (row["key"] == std::to_string(static_cast<key_t>(key))) return row;
  }
  return std::nullopt;
}

std::optional<Owner> owner_in(std::optional<Row> row) {
  if (!row) return std::nullopt;
  const auto number = [&](const char* column, int base) {
    return std::stoul("0" + (*row)[column], nullptr, base);
  };
  // The permissions of a segment have flags above them.
  return Owner{.user = static_cast<uid_t>(number("uid", 10)),
               .group = static_cast<gid_t>(number("gid", 10)),
               .access = Access{static_cast<mode_t>(number("perms", 8) & 0777)}};
}

}  // namespace

std::optional<Owner> owner_of_set(Key key) { return owner_in(row_of(key, "/proc/sysvipc/sem")); }

std::optional<Owner> owner_of_segment(Key key) {
  return owner_in(row_of(key, "/proc/sysvipc/shm"));
}

std::string text_of(const Owner& owner) {
  const passwd* const entry = getpwuid(owner.user);
  std::array<char, 8> mode{};
  std::snprintf(mode.data(), mode.size(), "0%03o", static_cast<unsigned>(owner.access) & 0777U);
  return (entry != nullptr ? entry->pw_name : std::to_string(owner.user)) + ", mode " + mode.data();
}

}  // namespace sysv
