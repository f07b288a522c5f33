#pragma once

#include <filesystem>
#include <string>

namespace support {

// A new folder that everybody may enter, removed with all that is in it.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  // Writes a file; returns its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

// All of a file; empty if there is none.
std::string contents_of(const std::string& path);

}  // namespace support
