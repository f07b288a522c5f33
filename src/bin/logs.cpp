#include "bin/logs.hpp"

#include <exception>
#include <utility>

#include "os/escape.hpp"
#include "os/log.hpp"

namespace {

os::LogSettings settings_of(const cli::ErrorLog& log) {
  return {.file = log.file,
          .facility = log.facility,
          .ident = log.ident,
          .level = os::level_of(log.level).value_or(os::Level::notice),
          .form = log.format == "json" ? os::Form::json : os::Form::text,
          .limit = static_cast<std::size_t>(log.limit)};
}

void reopen(std::optional<os::LogFile>& file) noexcept try {
  if (file) file->reopen();
} catch (const std::exception& error) {
  os::log(os::Level::error, std::string(error.what()) + "; the old file stays in use");
}

constexpr const char* error_log = "error log";
constexpr const char* access_log = "access log";
constexpr const char* slow_log = "slow log";

os::Descriptor held(os::Inheritance& inheritance, const char* name) {
  auto heirloom = inheritance.take(name);
  return heirloom && inheritance.refusal() ? std::move(heirloom->fd) : os::Descriptor();
}

}  // namespace

Logs::Logs(const cli::Config& config, os::Inheritance& inheritance)
    : config_(config),
      access_({.format = config.access_log.format,
               .pool = config.pool.name,
               .suppressed = config.access_log.suppressed}),
      caught_([this](pid_t child, os::Output::Stream stream, std::string_view line) {
        say_caught(child, stream, line);
      }) {
  os::configure_log(settings_of(config.error_log), held(inheritance, error_log));
  auto access = held(inheritance, access_log);
  auto slow = held(inheritance, slow_log);
  if (!config.access_log.file.empty()) {
    access_file_.emplace(config.access_log.file, std::move(access));
  }
  if (!config.slow_log.empty()) slow_file_.emplace(config.slow_log, std::move(slow));
}

void Logs::hand_over(os::Handover& handover) const {
  if (os::log_fd() != -1) handover.give(error_log, os::log_fd());
  if (access_file_) handover.give(access_log, access_file_->fd());
  if (slow_file_) handover.give(slow_log, slow_file_->fd());
}

void Logs::watch(prefork::Master& master) {
  for (const auto stream : {os::Output::Stream::out, os::Output::Stream::error}) {
    master.watch(caught_.fd(stream), [this, stream] { caught_.read(stream); });
  }
}

void Logs::reopen() noexcept {
  if (os::reopen_log()) os::log(os::Level::notice, "error log file re-opened");
  ::reopen(access_file_);
  ::reopen(slow_file_);
}

void Logs::say_slow(const std::string& what) {
  if (!slow_file_) return os::log(os::Level::warning, what);
  std::string line = os::log_time() + " [pool " + config_.pool.name + "] ";
  os::append_printable(line, what, os::LogFile::longest_line - line.size() - 1);
  write(*slow_file_, line + "\n");
}

void Logs::enter_worker() {
  if (config_.catch_workers_output) return caught_.catch_mine();
  os::discard_output();
}

void Logs::begin_request() noexcept {
  if (access_file_) begin_ = visits::Moment::now();
}

// Out of memory for one line: the line is lost, the service goes on.
void Logs::end_request(const http::Request& request, const http::Response& response,
                       std::optional<std::int64_t> count) noexcept try {
  if (!access_file_) return;
  const std::string_view line = access_.line({.request = request,
                                              .response = response,
                                              .begin = begin_,
                                              .end = visits::Moment::now(),
                                              .count = count});
  if (!line.empty()) write(*access_file_, line);
} catch (const std::exception&) {
}

void Logs::say_caught(pid_t child, os::Output::Stream stream, std::string_view line) const {
  if (!config_.decorate_workers_output) return os::log(os::Level::warning, line);
  os::log(os::Level::warning, os::said_by(config_.pool.name, child, stream, line));
}

void Logs::write(os::LogFile& file, std::string_view line) noexcept {
  (void)file.write(line);
  if (const auto lost = file.take_lost(); lost > 0) {
    os::log(os::Level::warning, file.path() + ": " + std::to_string(lost) + " lines were lost");
  }
}
