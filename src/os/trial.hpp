#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "os/descriptor.hpp"

namespace os {

// A program that is run on trial beside this process: what it says, and how it ends, within a time
// limit. A clerk, a child of this process, runs it, waits for it and reports; whoever reaps the
// clerk learns nothing and takes nothing away. The program gets the descriptors that it would
// get by an exec of this process, and dies with this process.
class Trial {
 public:
  struct Case {
    std::string program;             // a path
    std::vector<std::string> words;  // the first one is its name
    std::string variable{};          // NAME=value, added to the environment; empty: none
    std::chrono::milliseconds limit{10000};
  };

  // Throws std::system_error when there can be no clerk.
  explicit Trial(const Case& tried);

  // Turns readable when the result is there.
  int fd() const { return report_.get(); }

  struct Result {
    int code;            // of its exit, or 128 + the signal that ended it
    std::string output;  // the end of what it wrote to stdout and stderr

    // The last line that is not empty.
    std::string last_line() const;
  };

  // For when fd() is readable.
  Result result() const;

 private:
  Descriptor report_;
};

}  // namespace os
