#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace os {

// What one image of a program leaves to the image that takes its place in the same process (exec):
// open descriptors, by name, and children that are still at work. It travels in the environment.
// os::Inheritance is the other end.
//
//   os::Handover handover;
//   handover.give("pid file", file.get(), path);
//   handover.exec(program, words);
class Handover {
 public:
  static constexpr const char* variable = "VISITS_HANDOVER";

  // Set instead for a program that is only asked, with -t, whether it could take over.
  static constexpr const char* question = "VISITS_CHECK";

  // The line by which such a program says that it can read a handover of this version.
  static constexpr const char* acceptance = "can take over from a running pool (handover 1)";

  struct Item {
    std::string name;
    std::string note;  // whatever the next owner should know of it
    int fd;
    dev_t device;  // with the inode: what fd is, so that another file at its number is not it
    ino_t inode;
  };

  // The descriptor stays the caller's, and open. Throws std::system_error if it is not.
  void give(std::string name, int fd, std::string note = {});
  void give_child(pid_t pid) { children_.push_back(pid); }
  void give_number(std::string name, std::uint64_t number) { numbers_[std::move(name)] = number; }

  // Takes the first of that name back: it does not go along; none: there is none.
  std::optional<Item> withdraw(std::string_view name);

  // Another note for the items of that name.
  void annotate(std::string_view name, const std::string& note);

  pid_t process() const { return process_; }  // for whom, and from whom, it is
  const std::vector<Item>& items() const { return items_; }
  const Item* find(std::string_view name) const;  // null: there is none
  const std::vector<pid_t>& children() const { return children_; }
  const std::map<std::string, std::uint64_t>& numbers() const { return numbers_; }

  std::string text() const;

  // Reads text() back. None if there is anything in it that text() does not write.
  static std::optional<Handover> parse(std::string_view text);

  // What this program would be handed, when it is only asked whether it could take over; none: it
  // is not asked. Throws std::runtime_error when it could not read it.
  static std::optional<Handover> in_question();

  // Becomes that program. The descriptors given stay open over this exec, and no other. Throws
  // std::system_error when it fails; then nothing has changed.
  [[noreturn]] void exec(const std::string& program, const std::vector<std::string>& words) const;

  // The same, of a program that is open; it is not open any more when it runs.
  [[noreturn]] void exec(int program, const std::vector<std::string>& words) const;

 private:
  [[noreturn]] void become(const std::function<int()>& exec, const std::string& what) const;
  void keep_open(bool over_exec) const;

  pid_t process_ = getpid();
  std::vector<Item> items_;
  std::vector<pid_t> children_;
  std::map<std::string, std::uint64_t> numbers_;
};

// Words in the form that exec(3) takes. They must outlive it.
std::vector<char*> exec_arguments(const std::vector<std::string>& words);

}  // namespace os
