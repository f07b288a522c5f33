#include "sysv/key.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "support/catch.hpp"
#include "support/folder.hpp"

TEST_CASE("A file's key is made of its inode, its device and the project byte") {
  const support::Folder folder;
  const std::string file = folder.write("page.php", "");
  struct stat status {};
  REQUIRE(stat(file.c_str(), &status) == 0);
  const auto expected = static_cast<unsigned>(status.st_ino & 0xffffU) |
                        static_cast<unsigned>(status.st_dev & 0xffU) << 16U | 0x70U << 24U;
  CHECK(static_cast<unsigned>(sysv::key_of_file(file)) == expected);
}

TEST_CASE("A link and the file it leads to have one key") {
  const support::Folder folder;
  const std::string file = folder.write("page.php", "");
  std::filesystem::create_symlink(file, folder / "link");
  CHECK(sysv::key_of_file(folder / "link") == sysv::key_of_file(file));
}

TEST_CASE("A missing key file is an error that names it") {
  CHECK_THROWS_WITH(sysv::key_of_file("/nowhere/page.php"),
                    support::contains("/nowhere/page.php: No such file"));
}

TEST_CASE("A key reads as ipcs writes it") {
  CHECK(sysv::text_of(sysv::Key{0x51e}) == "0x0000051e");
  CHECK(sysv::text_of(sysv::Key{-1}) == "0xffffffff");
}
