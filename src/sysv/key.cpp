#include "sysv/key.hpp"

#include <sys/ipc.h>

#include <array>
#include <cstdio>

#include "os/error.hpp"

namespace sysv {

Key key_of_file(const std::filesystem::path& file, char project) {
  const key_t key = ftok(file.c_str(), static_cast<unsigned char>(project));
  if (key == -1) os::fail("ftok " + file.string());
  return Key{key};
}

std::string text_of(Key key) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", static_cast<unsigned>(key));
  return text.data();
}

}  // namespace sysv
