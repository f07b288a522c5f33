#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace os {

// What a worker becomes when the master is root, and what it may use; php-fpm's names.
struct Confinement {
  std::optional<std::string> user{};   // name or number; absent: this process's
  std::optional<std::string> group{};  // absent: the user's
  std::optional<std::string> chroot{};
  std::optional<std::string> chdir{};  // inside of chroot
  std::optional<int> priority{};
  std::optional<std::uint64_t> rlimit_files{};
  std::optional<std::uint64_t> rlimit_core{};  // RLIM_INFINITY: unlimited
  bool dumpable = false;  // false: no core, and no look inside, of one that changed its user
  bool seccomp = true;    // visits.seccomp
  std::vector<std::pair<std::string, std::string>> environment{};  // env[NAME] = value
  bool clear_environment = true;
};

// The power that a worker gives up before it looks at its first byte: made in the master, where
// names can be looked up, applied in each worker.
//
//   const os::Privileges privileges(confinement);  // before the first fork
//   …
//   privileges.apply();                            // in the child, first thing
//
// Every worker is left without capabilities, with an empty bounding set, and with no_new_privs. The
// worker of a root master also becomes user and group, without supplementary groups. Without user
// and group it stays who it is: a root that can open and do no more than its own. A master that is
// not root can change neither user, group nor root folder; those settings are ignored, and said.
class Privileges {
 public:
  // Throws std::runtime_error, in one sentence, for a user or group that does not exist.
  // $NAME as the value of a variable stands for this process's variable of that name.
  explicit Privileges(Confinement settings);

  // The settings that apply() follows, with numbers for names, which may be gone one day; a $NAME
  // still stands for its value.
  Confinement by_number() const;

  // What was ignored, a sentence each, for the log.
  const std::vector<std::string>& notices() const { return notices_; }

  // In php-fpm's order: limits, root folder, folder, priority, groups, user, environment. Throws
  // std::system_error where the machine says no; the process is then fit for nothing but its end.
  // A variable TZ stays, so that times in logs do.
  //
  // The kernel forgets PR_SET_PDEATHSIG when a process changes its user. It is set again here, and
  // a parent that died in between takes the process along.
  void apply() const;

 private:
  struct Identity {
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::string name;  // of the user, and its home; empty: not known
    std::string home;
  };

  Identity identity_of(const Confinement& settings) const;
  void ignore(const char* directive, const std::string& value);
  void ignore_what_needs_root();
  void set_limits() const;
  void enter_folder() const;
  void change_identity() const;
  void prove_that_root_is_gone() const;
  void set_dumpable() const;
  void set_environment() const;

  Confinement settings_;
  Identity identity_;
  std::vector<std::pair<std::string, std::string>> environment_;  // with values for $NAME
  std::vector<std::string> notices_;
};

}  // namespace os
