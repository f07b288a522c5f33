#include "sysv/key.hpp"

#include <filesystem>
#include <string>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/site.hpp"

using support::php;

TEST_CASE("PHP and we compute one key for one file, whatever the project byte") {
  const support::Folder folder;
  const std::string file = folder.write("index.php", "");
  std::string ours;
  for (int byte = 0; byte < 256; ++byte) {
    const auto key = sysv::key_of_file(file, static_cast<char>(byte));
    ours += std::to_string(static_cast<int>(key)) + " ";
  }
  CHECK(php("for ($i = 0; $i < 256; ++$i) echo ftok('" + file + "', chr($i)), ' ';") == ours);
}

TEST_CASE(
    "A link leads PHP and us to the key of its file, and a missing file is an error to both") {
  const support::Folder folder;
  const std::string file = folder.write("index.php", "");
  std::filesystem::create_symlink(file, folder / "link");
  const std::string key = std::to_string(static_cast<int>(sysv::key_of_file(file)));
  CHECK(php("echo ftok('" + (folder / "link") + "', 'p');") == key);
  CHECK(php("echo @ftok('" + (folder / "none") + "', 'p');") == "-1");
  CHECK_THROWS_AS(sysv::key_of_file(folder / "none"), std::system_error);
}
