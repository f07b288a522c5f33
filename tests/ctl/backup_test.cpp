#include "ctl/backup.hpp"

#include <filesystem>

#include "ctl/failure.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/memory.hpp"

TEST_CASE("A backup is named by key and time") {
  CHECK(ctl::backup_name(sysv::Key{0x51e}, 1769903999) == "visits-0000051e-20260131T235959.backup");
}

TEST_CASE("A backup has the bytes, is for its owner alone, and never replaces a file") {
  const support::Folder folder;
  const std::string file = folder / "bytes";
  support::Memory memory(100);
  memory.header();
  ctl::write_backup(file, memory.bytes());
  CHECK(support::contents_of(file) == memory.copy());
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms(077)) ==
        std::filesystem::perms::none);
  memory.set(48, 5);
  CHECK_THROWS_WITH(ctl::write_backup(file, memory.bytes()), support::contains("File exists"));
  CHECK(support::contents_of(file) != memory.copy());
  CHECK_THROWS_AS(ctl::write_backup(folder / "no/such", memory.bytes()), ctl::Failure);
}
