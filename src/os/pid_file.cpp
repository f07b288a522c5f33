#include "os/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include "os/error.hpp"
#include "os/process.hpp"

namespace os {
namespace {

constexpr const char* heirloom_name = "pid file";
constexpr int attempts_at_the_living = 10;  // who was killed a moment ago may not look like it yet

Descriptor open_file(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!file) fail("pid file " + path);
  return file;
}

std::string text_in(int file) {
  std::array<char, 32> text{};
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::optional<pid_t> process_in(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && pid > 0 ? std::optional(pid) : std::nullopt;
}

// A wrong path must not cost somebody else's file.
void require_pid_file(int file, const std::string& path) {
  struct stat status {};
  const bool regular = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const std::string text = text_in(file);
  if (regular && (text.empty() || process_in(text))) return;
  throw std::runtime_error("pid file " + path +
                           ": what is there is no pid file; give another path");
}

bool is_at(int file, const std::string& path) {
  struct stat held {};
  struct stat named {};
  return fstat(file, &held) == 0 && lstat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

[[noreturn]] void refuse(const std::string& path, std::optional<pid_t> holder) {
  throw std::runtime_error("pid file " + path + ": held by " +
                           (holder ? "process " + std::to_string(*holder) : "another process") +
                           "; stop it, or give this pool a pid file of its own");
}

}  // namespace

PidFile::PidFile(std::string path) : path_(std::move(path)), maker_(getpid()) { take(); }

PidFile::PidFile(std::string path, Inheritance& inheritance)
    : path_(std::move(path)), maker_(getpid()) {
  const bool runs_again = inheritance.refusal().has_value();
  auto held = inheritance.take(heirloom_name, [&](const Inheritance::Heirloom& heirloom) {
    return heirloom.note == path_ && (runs_again || is_at(heirloom.fd.get(), path_));
  });
  if (held) {
    hold(std::move(held->fd), inheritance);
  } else {
    take();
    give_up(inheritance);
  }
}

void PidFile::hold(Descriptor file, Inheritance& inheritance) {
  file_ = std::move(file);
  maker_ = 0;
  inheritance.once_settled([this] { maker_ = getpid(); });
}

PidFile::~PidFile() {
  if (file_ && getpid() == maker_ && is_at(file_.get(), path_)) unlink(path_.c_str());
}

// A pool whose master was killed takes its workers along, and they hold the file, too: a moment
// later it is free.
void PidFile::take() {
  using namespace std::chrono_literals;
  std::optional<pid_t> holder;
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (try_to_take()) return write();
    holder = process_in(text_in(file_.get()));
    if (holder && is_running(*holder) && attempt >= attempts_at_the_living) break;
    std::this_thread::sleep_for(10ms);
  }
  file_.close();
  refuse(path_, holder);
}

bool PidFile::try_to_take() {
  file_ = open_file(path_);
  if (flock(file_.get(), LOCK_EX | LOCK_NB) == -1) {
    if (errno != EWOULDBLOCK) fail("flock " + path_);
    return false;
  }
  if (!is_at(file_.get(), path_)) return false;  // its holder has just removed it
  try {
    require_pid_file(file_.get(), path_);
  } catch (const std::exception&) {
    file_.close();
    throw;
  }
  return true;
}

// In this order a reader never finds it empty.
void PidFile::write() const {
  const std::string text = std::to_string(getpid());
  const auto size = static_cast<ssize_t>(text.size());
  if (pwrite(file_.get(), text.data(), text.size(), 0) != size ||
      ftruncate(file_.get(), static_cast<off_t>(size)) == -1 || fchmod(file_.get(), 0644) == -1) {
    fail("pid file " + path_);
  }
}

void PidFile::hand_over(Handover& handover) const {
  handover.give(heirloom_name, file_.get(), path_);
}

bool PidFile::is_in(const Handover& handover, const std::string& path) {
  const Handover::Item* const item = handover.find(heirloom_name);
  return item != nullptr && item->note == path;
}

void PidFile::give_up(Inheritance& inheritance) {
  auto held = inheritance.take(heirloom_name);
  if (!held) return;
  const auto given_up = std::make_shared<Inheritance::Heirloom>(std::move(*held));
  inheritance.once_settled([given_up] {
    if (is_at(given_up->fd.get(), given_up->note)) unlink(given_up->note.c_str());
  });
}

}  // namespace os
