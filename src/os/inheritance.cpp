#include "os/inheritance.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

#include "os/error.hpp"
#include "os/log.hpp"

namespace os {
namespace {

constexpr int first_of_systemd = 3;

void ignore(const std::string& what) { log(Level::warning, what + " is ignored"); }

// The variable's value; from now on there is none.
std::optional<std::string> take_variable(const char* name) {
  const char* const value = getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  unsetenv(name);
  return taken;
}

bool is_number(const std::string& text, long expected) { return text == std::to_string(expected); }

int count_in(std::string_view text) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc{} && end == text.data() + text.size() ? count : 0;
}

bool is(int fd, const Handover::Item& item) {
  struct stat status {};
  return fstat(fd, &status) == 0 && status.st_dev == item.device && status.st_ino == item.inode;
}

bool is_child(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

Inheritance Inheritance::claim() {
  Inheritance inheritance;
  inheritance.claim_handover();
  inheritance.claim_sockets();
  return inheritance;
}

void Inheritance::claim_handover() {
  const std::string variable = Handover::variable;
  const auto text = take_variable(Handover::variable);
  if (!text) return;
  const auto handover = Handover::parse(*text);
  if (!handover) return ignore(variable + " is not what a pool writes that is reloaded; it");
  if (handover->process() != getpid()) {
    return ignore(variable + " is for process " + std::to_string(handover->process()) +
                  ", which this is not; it");
  }
  succession_ = true;
  for (const Handover::Item& item : handover->items()) claim_item(item);
  for (const pid_t child : handover->children()) claim_child(child);
  numbers_ = handover->numbers();
  find_way_back(*handover);
}

// An image that fails leaves a reason with the configuration of the one before it. The kernel names
// a process after the file that it runs, and an open file has a number only.
void Inheritance::find_way_back(const Handover& handover) {
  const auto is_there = [this](const char* name) {
    return std::any_of(heirlooms_.begin(), heirlooms_.end(),
                       [name](const Named& named) { return named.name == name; });
  };
  if (!is_there(configuration_before)) return;
  const std::string& reason = handover.find(configuration_before)->note;
  if (is_there(image_before)) {
    for (const char* const name : {image_before, configuration_before}) {
      taken_.push_back({name, *take(name)});
    }
    unsettled_ = handover;
  } else if (!reason.empty()) {
    refusal_ = reason;
    prctl(PR_SET_NAME, program_invocation_short_name);
  }
}

void Inheritance::claim_item(const Handover::Item& item) {
  const bool twice = std::any_of(heirlooms_.begin(), heirlooms_.end(), [&](const Named& named) {
    return named.heirloom.fd.get() == item.fd;
  });
  if (twice || !is(item.fd, item) || fcntl(item.fd, F_SETFD, FD_CLOEXEC) == -1) {
    return ignore(std::string(Handover::variable) + ": descriptor " + std::to_string(item.fd) +
                  " is not the one called " + item.name + "; it");
  }
  heirlooms_.push_back({item.name, {Descriptor(item.fd), item.note}});
}

void Inheritance::claim_child(pid_t pid) {
  if (is_child(pid)) return children_.push_back(pid);
  ignore(std::string(Handover::variable) + ": process " + std::to_string(pid) +
         " is no child of this one; it");
}

// systemd says for whom its sockets are, since a child of that process would find the variables,
// too.
void Inheritance::claim_sockets() {
  const auto process = take_variable("LISTEN_PID");
  const auto count = take_variable("LISTEN_FDS");
  take_variable("LISTEN_FDNAMES");
  if (!process || !count || !is_number(*process, getpid())) return;
  for (int fd = first_of_systemd; fd - first_of_systemd < count_in(*count); ++fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
      return ignore("LISTEN_FDS: descriptor " + std::to_string(fd) + " is not open; it");
    }
    heirlooms_.push_back({of_systemd, {Descriptor(fd), {}}});
  }
}

std::optional<Inheritance::Heirloom> Inheritance::take(const std::string& name, const Test& test) {
  const auto found = std::find_if(heirlooms_.begin(), heirlooms_.end(), [&](const Named& named) {
    return named.name == name && (!test || test(named.heirloom));
  });
  if (found == heirlooms_.end()) return std::nullopt;
  Named named = std::move(*found);
  heirlooms_.erase(found);
  if (!unsettled_ || name == of_systemd) return std::move(named.heirloom);
  Heirloom copy{Descriptor(fcntl(named.heirloom.fd.get(), F_DUPFD_CLOEXEC, 0)),
                named.heirloom.note};
  taken_.push_back(std::move(named));
  if (!copy.fd) fail("dup of " + name);
  return copy;
}

void Inheritance::once_settled(std::function<void()> act) {
  if (!unsettled_) return act();
  acts_.push_back(std::move(act));
}

std::uint64_t Inheritance::number(const std::string& name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? 0 : found->second;
}

// While the old sockets are open, no other file can have the inode of one's path.
void Inheritance::settle() {
  unsettled_.reset();
  for (const auto& act : acts_) act();
  acts_.clear();
  taken_.clear();
  for (const Named& named : heirlooms_) {
    log(Level::notice, "nothing here uses the inherited descriptor called " + named.name);
  }
  heirlooms_.clear();
}

void Inheritance::lose_way_back() {
  unsettled_.reset();
  acts_.clear();
  std::move(taken_.begin(), taken_.end(), std::back_inserter(heirlooms_));
  taken_.clear();
}

}  // namespace os
