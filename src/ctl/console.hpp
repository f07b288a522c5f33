#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>

#include "ctl/arguments.hpp"
#include "sysv/value.hpp"

namespace ctl {

// Where a command reads and writes.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool is_terminal;  // somebody is there to answer a question

  // Waits that long; true as soon as the user wants it to end (INT, TERM, HUP).
  std::function<bool(std::chrono::milliseconds)> interrupted;

  // Whether what is printed can still be read: false once the other end of a pipe is closed.
  std::function<bool()> has_reader = [] { return true; };

  // What a command has to say: the document for a program (--json), or else the text for a person.
  // Throws Failure (output) where it cannot be written.
  void tell(const Arguments& arguments, const sysv::Value& document, const std::string& text) const;

  // One line at once, for those who follow.
  void tell_line(const std::string& line) const;

  // Asks before something is destroyed, unless --yes was given. Throws Failure: declined (no), or
  // there is nobody to ask (usage).
  void require_consent(const Arguments& arguments, const std::string& what) const;

 private:
  void write(const std::string& text) const;
};

}  // namespace ctl
