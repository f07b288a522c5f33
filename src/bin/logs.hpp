#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/config.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"
#include "os/log_file.hpp"
#include "os/output.hpp"
#include "prefork/master.hpp"
#include "visits/access_log.hpp"

// All that visitsd writes, by its configuration: the error log, the access log, the slow log, and
// what workers say into their stdout and stderr. Made before the workers, by a process that may
// open the files; workers write to what they inherit.
class Logs {
 public:
  // Throws std::system_error, or std::invalid_argument for a format that is none. An image that
  // runs again (os::Retreat) writes on into the files that it had, where they cannot be opened any
  // more.
  Logs(const cli::Config& config, os::Inheritance& inheritance);
  Logs(const Logs&) = delete;
  Logs& operator=(const Logs&) = delete;

  // In the master.
  void hand_over(os::Handover& handover) const;
  void watch(prefork::Master& master);
  void tick() { caught_.flush_ended(); }
  void reopen() noexcept;
  void say_slow(const std::string& what);

  // In a worker: first thing, and around each request, before its answer is sent. Without an access
  // log the last two ask the kernel for nothing.
  void enter_worker();
  void begin_request() noexcept;
  void end_request(const http::Request& request, const http::Response& response,
                   std::optional<std::int64_t> count) noexcept;

 private:
  void say_caught(pid_t child, os::Output::Stream stream, std::string_view line) const;
  static void write(os::LogFile& file, std::string_view line) noexcept;

  cli::Config config_;
  std::optional<os::LogFile> access_file_;
  std::optional<os::LogFile> slow_file_;
  visits::AccessLog access_;
  visits::Moment begin_;
  os::Output caught_;
};
