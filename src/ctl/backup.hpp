#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "sysv/key.hpp"

namespace ctl {

// Where a segment's bytes are saved if nobody says where: visits-0000051e-20260131T235959.backup
std::string backup_name(sysv::Key key, std::int64_t seconds_since_1970);

// Writes a new file for its owner alone, on disk when this returns. Throws Failure (cannot_create),
// also where there is such a file already; then it is as it was.
void write_backup(const std::string& file, std::span<const std::byte> bytes);

}  // namespace ctl
