#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "os/descriptor.hpp"

namespace os {

// What children write to their stdout and stderr, on its way into the log, line by line. Made
// before the children; they all share it, and the kernel says who wrote what (SCM_CREDENTIALS). A
// child that writes without end waits for the reader, who does a bounded piece of work at a time.
class Output {
 public:
  enum class Stream { out = 1, error = 2 };  // as descriptors are numbered
  using Say = std::function<void(pid_t child, Stream stream, std::string_view line)>;

  // Lines longer than `longest` are said in pieces. Throws std::system_error.
  explicit Output(Say say, std::size_t longest = 1024);

  // In a child: what it writes to the descriptors 1 and 2 comes here. Throws std::system_error.
  void catch_mine();

  // In the parent: turns readable when there is something to read().
  int fd(Stream stream) const { return stream_of(stream).reading.get(); }

  // Says the lines that have come; never waits.
  void read(Stream stream);

  // Says what children that have ended left without a newline.
  void flush_ended();

 private:
  struct Ends {
    Descriptor reading;
    Descriptor writing;
  };
  using Writer = std::pair<pid_t, Stream>;

  static Ends made();
  const Ends& stream_of(Stream stream) const { return stream == Stream::out ? out_ : error_; }
  void take(Writer writer, std::string_view bytes);
  void say_whole_lines(Writer writer, std::string& text);

  Say say_;
  std::size_t longest_;
  Ends out_;
  Ends error_;
  std::map<Writer, std::string> begun_;  // lines without their end yet
};

// A child's line in the log, as php-fpm says it.
std::string said_by(std::string_view pool, pid_t child, Output::Stream stream,
                    std::string_view line);

// In a child whose output nobody wants: the descriptors 1 and 2 lead to /dev/null. Throws
// std::system_error.
void discard_output();

}  // namespace os
