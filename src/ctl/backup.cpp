#include "ctl/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "ctl/failure.hpp"
#include "os/descriptor.hpp"
#include "os/retry.hpp"

namespace ctl {
namespace {

[[noreturn]] void fail(const std::string& file) {
  throw Failure(Exit::cannot_create, "the backup " + file + " cannot be written, so nothing was " +
                                         "changed: " + std::generic_category().message(errno));
}

// No half of a backup stays behind.
[[noreturn]] void give_up(const std::string& file) {
  const int error = errno;
  unlink(file.c_str());
  errno = error;
  fail(file);
}

// A new file's name is on disk when its folder is.
bool sync_folder_of(const std::string& file) {
  const std::string folder = std::filesystem::absolute(file).parent_path();
  const os::Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && fsync(fd.get()) == 0;
}

}  // namespace

std::string backup_name(sysv::Key key, std::int64_t seconds_since_1970) {
  const std::time_t seconds = seconds_since_1970;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y%m%dT%H%M%S", &utc);
  return "visits-" + text_of(key).substr(2) + "-" + time.data() + ".backup";
}

void write_backup(const std::string& file, std::span<const std::byte> bytes) {
  const os::Descriptor fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) fail(file);
  while (!bytes.empty()) {
    const ssize_t written = os::retry([&] { return write(fd.get(), bytes.data(), bytes.size()); });
    if (written == -1) give_up(file);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (fsync(fd.get()) == -1 || !sync_folder_of(file)) give_up(file);
}

}  // namespace ctl
