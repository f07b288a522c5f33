#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "support/offspring.hpp"

namespace support {

using Words = std::vector<std::string>;

// A program that runs beside the test; what it prints goes to a file. Asked to end (TERM), and
// after ten seconds made to, at the end of its life.
class Program : public Offspring {
 public:
  Program(const Words& words, std::string log_file);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  std::string log() const;

 private:
  std::string log_file_;
};

// The processes whose parent that one is.
std::vector<pid_t> children_of(pid_t pid);

// What /proc/PID/status says of a field, such as "CapEff"; its parts with one space in between.
std::string status_of(pid_t pid, const std::string& field);

struct Result {
  int code;          // as Program::wait() has it
  std::string text;  // all it printed, to stdout and to stderr
};

// Runs a program to its end.
Result run(const Words& words);

}  // namespace support
