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
// What no trial can see (a file, a right or a user that is gone a moment after its trial, a limit
// of open files that is reached by then) is refused all the same: a program that fails before its
// pool runs lets this one run again (os::Retreat), with the configuration that it has now, the
// workers that serve all the while, and the reason. Workers that cannot start are no failure: those
// of before serve on.
//
// What ends the pool is left to whoever started it (systemd's Restart=, a container's): a program
// that dies after the exec without a word, by a signal, by a library that is gone since its trial,
// or by the kernel, out of memory; one that takes over and knows no way back; and a machine that
// does not let this program run again either.
//
// For the master's thread alone. No call waits.
class Upgrade {
 public:
  struct Hooks {
    std::function<void(os::Handover&)> hand_over;           // what the pool has
    std::function<void()> begun{};                          // a program is being tried
    std::function<void(const std::string& why)> refused{};  // and has failed
  };

  // This program.
  struct Image {
    std::vector<std::string> words;              // that it was started with, its own name first
    std::optional<std::string> configuration{};  // for os::Retreat; none: there is no way back
  };

  // Books in the scoreboard what the image before this one has left, and says in the log why this
  // one runs again, if it does.
  Upgrade(Master& master, Image image, Hooks hooks, const os::Inheritance& inheritance);

  // One request while a program is on trial is remembered: what it saw may be outdated by now.
  void request();

 private:
  void start_trial();
  void judge();
  void refuse(const std::string& why);
  void book_refusal(const std::string& why);
  void execute();
  os::Handover handover() const;

  Master& master_;
  std::string program_;  // its path as it was started; another file may be there by now
  Image image_;
  Hooks hooks_;
  std::optional<os::Trial> trial_;
  bool again_ = false;
};

}  // namespace prefork
