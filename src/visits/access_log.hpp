#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "http/response.hpp"

namespace visits {

// A moment in this process's life, on all the clocks that an access log shows.
struct Moment {
  std::chrono::system_clock::time_point time{};
  std::chrono::nanoseconds clock{};  // never goes backwards
  std::chrono::microseconds user{};  // processor time so far
  std::chrono::microseconds system{};

  static Moment now();
};

// A request that has been answered.
struct Access {
  const http::Request& request;
  const http::Response& response;
  Moment begin;
  Moment end;
  std::optional<std::int64_t> count{};  // the visit's number, if it was counted
};

// What an access log says of a request, in php-fpm's format (access.format):
//
//   %C  processor use in percent: %{user}C %{system}C %{total}C
//   %d  seconds taken; %{milliseconds}d %{microseconds}d
//   %e  a parameter of the web server's: %{HTTP_HOST}e
//   %f  SCRIPT_FILENAME       %l  content length        %m  method
//   %M  memory: %{kilo}M %{mega}M                       %n  the pool's name
//   %o  a header of the answer: %{Content-Type}o
//   %p  the worker's process  %P  the master's          %%  a percent sign
//   %q  the query             %Q  ? if there is one     %r  the path
//   %R  REMOTE_ADDR           %s  status                %u  REMOTE_USER
//   %t  when it began, %T when it ended; %{%H:%M}t as strftime has it
//
// or, with the format "json", an object a line. What is not known is "-". Names are escaped.
class AccessLog {
 public:
  struct Settings {
    std::string format = R"(%R - %u %t "%m %r" %s)";
    std::string pool = "visits";
    std::vector<std::string>
        suppressed{};  // paths: successful GETs and HEADs without query or body
  };

  static constexpr std::size_t longest_line = 4096;

  // Throws std::invalid_argument with a sentence when the format is none.
  explicit AccessLog(Settings settings);

  // One line, with its newline, good until the next call; empty: suppressed. At most longest_line
  // bytes: of what is longer the names are cut, and end in "...". No allocation, but for %o.
  std::string_view line(const Access& access);

 private:
  struct Part;
  using Write = void (AccessLog::*)(const Part&, const Access&);
  struct Part {
    std::string literal{};  // what comes before the token
    Write write = nullptr;  // nullptr: no token
    std::string argument{};
  };

  void compile();
  Part token(char letter, const std::string& argument) const;
  bool is_suppressed(const Access& access) const;
  void write_text(const Access& access);
  void write_json(const Access& access);

  void name(std::string_view text);
  void name_or_dash(std::string_view text);
  void number(std::int64_t value);
  void decimals(double value, int digits);
  void time(const std::string& form, const Moment& moment);
  void field(std::string_view key, std::string_view text);
  void field(std::string_view key, std::int64_t value);

  void processor(const Part&, const Access&);
  void duration(const Part&, const Access&);
  void parameter(const Part&, const Access&);
  void content_length(const Part&, const Access&);
  void method(const Part&, const Access&);
  void memory(const Part&, const Access&);
  void pool(const Part&, const Access&);
  void header(const Part&, const Access&);
  void worker(const Part&, const Access&);
  void master(const Part&, const Access&);
  void query(const Part&, const Access&);
  void query_mark(const Part&, const Access&);
  void path(const Part&, const Access&);
  void status(const Part&, const Access&);
  void began(const Part&, const Access&);
  void ended(const Part&, const Access&);
  void percent(const Part&, const Access&);

  Settings settings_;
  std::vector<Part> parts_;
  std::string line_;
  std::size_t longest_name_ = longest_line;
};

}  // namespace visits
