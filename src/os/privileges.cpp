#include "os/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string_view>

#include "os/error.hpp"

namespace os {
namespace {

std::optional<uid_t> number_in(std::string_view text) {
  uid_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  // The last number means "leave it as it is" to the system calls.
  return whole && value != static_cast<uid_t>(-1) ? std::optional(value) : std::nullopt;
}

gid_t group_of(const std::string& text) {
  if (const auto number = number_in(text)) return *number;
  if (const group* const entry = getgrnam(text.c_str())) return entry->gr_gid;
  throw std::runtime_error("group = " + text + ": there is no such group, see getent group");
}

void set_limit(int resource, const char* directive, const std::optional<std::uint64_t>& value) {
  if (!value) return;
  const rlimit limit{.rlim_cur = *value, .rlim_max = *value};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) return;
  fail(std::string(directive) + " = " + std::to_string(*value),
       "only root can have more than the limit it was started with, see ulimit -H -a");
}

// Without CAP_SETPCAP, as in some containers, it stays what it is: no_new_privs then keeps anybody
// from drawing on it.
void empty_bounding_set() {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability) == -1 && errno != EPERM) fail("prctl PR_CAPBSET_DROP");
  }
}

// The ambient ones go with the others.
void give_up_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (syscall(SYS_capset, &header, none.data()) == -1) fail("capset");
}

void forbid_new_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) fail("prctl PR_SET_NO_NEW_PRIVS");
}

// The signal that this process gets when its parent dies.
class LastWill {
 public:
  LastWill() : parent_(getppid()) {
    if (prctl(PR_GET_PDEATHSIG, &signal_) == -1) fail("prctl PR_GET_PDEATHSIG");
  }

  void renew() const {
    if (signal_ == 0) return;
    if (prctl(PR_SET_PDEATHSIG, signal_) == -1) fail("prctl PR_SET_PDEATHSIG");
    if (getppid() != parent_) raise(signal_);
  }

 private:
  pid_t parent_;
  int signal_ = 0;
};

void set_variable(const std::string& name, const std::string& value) {
  if (setenv(name.c_str(), value.c_str(), 1) == -1) fail("env[" + name + "]");
}

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

Privileges::Privileges(Confinement settings) : settings_(std::move(settings)) {
  if (geteuid() != 0) ignore_what_needs_root();
  identity_ = identity_of(settings_);
  for (const auto& [name, value] : settings_.environment) {
    const bool is_copy = value.starts_with('$');
    environment_.emplace_back(name, is_copy ? variable(value.c_str() + 1).value_or("") : value);
  }
}

void Privileges::ignore(const char* directive, const std::string& value) {
  notices_.push_back(std::string(directive) + " = " + value +
                     ": ignored, since visitsd was not "
                     "started by root");
}

void Privileges::ignore_what_needs_root() {
  const Identity wanted = identity_of(settings_);
  if (wanted.user && *wanted.user != geteuid()) ignore("user", *settings_.user);
  if (settings_.group && *wanted.group != getegid()) ignore("group", *settings_.group);
  if (settings_.chroot) ignore("chroot", *settings_.chroot);
  settings_.user.reset();
  settings_.group.reset();
  settings_.chroot.reset();
}

Privileges::Identity Privileges::identity_of(const Confinement& settings) const {
  Identity identity;
  if (settings.group) identity.group = group_of(*settings.group);
  if (!settings.user) return identity;
  identity.user = number_in(*settings.user);
  const passwd* const entry =
      identity.user ? getpwuid(*identity.user) : getpwnam(settings.user->c_str());
  if (entry != nullptr) {
    identity.user = entry->pw_uid;
    identity.group = identity.group.value_or(entry->pw_gid);
    identity.name = entry->pw_name;
    identity.home = entry->pw_dir;
  }
  if (!identity.user) {
    throw std::runtime_error("user = " + *settings.user +
                             ": there is no such user, see getent passwd");
  }
  if (!identity.group) {
    throw std::runtime_error("user = " + *settings.user +
                             ": a number without a user has no group of its own, set group too");
  }
  return identity;
}

Confinement Privileges::by_number() const {
  Confinement settings = settings_;
  if (identity_.user) settings.user = std::to_string(*identity_.user);
  if (identity_.group) settings.group = std::to_string(*identity_.group);
  return settings;
}

void Privileges::apply() const {
  const LastWill will;
  tzset();  // reads a file, which may be out of reach from now on
  set_limits();
  enter_folder();
  if (settings_.priority && setpriority(PRIO_PROCESS, 0, *settings_.priority) == -1) {
    fail("process.priority = " + std::to_string(*settings_.priority),
         "only root can have more of the processor than others");
  }
  empty_bounding_set();
  change_identity();
  give_up_capabilities();
  prove_that_root_is_gone();
  forbid_new_privileges();
  set_dumpable();
  set_environment();
  will.renew();
}

void Privileges::set_limits() const {
  set_limit(RLIMIT_NOFILE, "rlimit_files", settings_.rlimit_files);
  set_limit(RLIMIT_CORE, "rlimit_core", settings_.rlimit_core);
}

void Privileges::enter_folder() const {
  if (settings_.chroot && chroot(settings_.chroot->c_str()) == -1) {
    fail("chroot = " + *settings_.chroot);
  }
  if (settings_.chroot && ::chdir("/") == -1) fail("chroot = " + *settings_.chroot);
  if (settings_.chdir && ::chdir(settings_.chdir->c_str()) == -1) {
    fail("chdir = " + *settings_.chdir);
  }
}

void Privileges::change_identity() const {
  if (!identity_.group) return;
  if (setgroups(0, nullptr) == -1) fail("setgroups");
  const gid_t group = *identity_.group;
  if (setresgid(group, group, group) == -1) fail("setresgid " + std::to_string(group));
  if (!identity_.user) return;
  const uid_t user = *identity_.user;
  if (setresuid(user, user, user) == -1) fail("setresuid " + std::to_string(user));
}

void Privileges::prove_that_root_is_gone() const {
  constexpr uid_t same = static_cast<uid_t>(-1);
  const bool user_came_back = identity_.user.value_or(0) != 0 && setresuid(same, 0, same) == 0;
  const bool group_came_back = identity_.group.value_or(0) != 0 && setresgid(same, 0, same) == 0;
  if (user_came_back || group_came_back) {
    throw std::runtime_error("the worker could become root again, so it does not start");
  }
}

void Privileges::set_dumpable() const {
  if (!settings_.dumpable && !identity_.user) return;
  const unsigned long dumpable = settings_.dumpable ? 1 : 0;
  if (prctl(PR_SET_DUMPABLE, dumpable) == -1) fail("prctl PR_SET_DUMPABLE");
}

void Privileges::set_environment() const {
  const auto zone = variable("TZ");
  if (settings_.clear_environment) clearenv();
  if (zone) set_variable("TZ", *zone);
  if (!identity_.name.empty()) set_variable("USER", identity_.name);
  if (!identity_.home.empty()) set_variable("HOME", identity_.home);
  for (const auto& [name, value] : environment_) set_variable(name, value);
}

}  // namespace os
