#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/trial.hpp"
#include "prefork/master.hpp"

namespace prefork {

// Lets the next image of the program, with what its configuration says by then, take the place of
// this one: in the same process, without a moment in which nobody serves. The program is tried
// first, in a child, with -t before its other words and VISITS_CHECK in its environment; if it
// fails, or does not answer with os::Handover::acceptance, the pool goes on as it is, and the log
// says why. A program that passes is executed; it finds the pool's belongings in VISITS_HANDOVER
// (os::Inheritance) and its workers, which serve on until the new ones are ready.
//
// What no trial can see ends the pool: a file, a right or a user that is gone a moment after its
// trial, a machine that is out of memory or of open files by then, and a program that dies where it
// does something else than on trial. Workers that cannot start do not: those of before serve on.
//
// For the master's thread alone. No call waits.
class Upgrade {
 public:
  struct Hooks {
    std::function<void(os::Handover&)> hand_over;           // what the pool has
    std::function<void()> begun{};                          // a program is being tried
    std::function<void(const std::string& why)> refused{};  // and has failed
  };

  // `words` are those that this program was started with, its own name first. Books in the
  // scoreboard what the image before this one has left.
  Upgrade(Master& master, std::vector<std::string> words, Hooks hooks,
          const os::Inheritance& inheritance);

  // One request while a program is on trial is remembered: what it saw may be outdated by now.
  void request();

 private:
  void start_trial();
  void judge();
  void refuse(const std::string& why);
  void execute();
  os::Handover handover() const;

  Master& master_;
  std::string program_;  // its path as it was started; another file may be there by now
  std::vector<std::string> words_;
  Hooks hooks_;
  std::optional<os::Trial> trial_;
  bool again_ = false;
};

}  // namespace prefork
