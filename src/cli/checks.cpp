#include "cli/checks.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

namespace cli {
namespace {

class Agreement {
 public:
  Agreement(const Config& config, const Origins& origins) : config_(config), origins_(origins) {}

  void check() const {
    check_sizes();
    check_listening();
    check_pages();
    check_access_format();
    check_slow();
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& why) const {
    const auto origin = origins_.find(name);
    throw ConfigError((origin == origins_.end() ? name : origin->second) + ": " + why);
  }

  // As fail(), for whichever of the names was given.
  [[noreturn]] void fail_at_one(const std::vector<std::string>& names,
                                const std::string& why) const {
    const auto given = std::find_if(names.begin(), names.end(),
                                    [&](const auto& name) { return origins_.contains(name); });
    fail(given == names.end() ? names.front() : *given, why);
  }

  void check_sizes() const {
    const prefork::Limits& pool = config_.pool;
    const auto text = [](int number) { return std::to_string(number); };
    if (config_.process_max > 0 && config_.process_max < pool.max_children) {
      fail("process.max",
           "these are fewer than pm.max_children, which is " + text(pool.max_children));
    }
    if (pool.sizing != prefork::Sizing::dynamic) return;
    if (pool.min_spare_servers > pool.max_children) {
      fail("pm.min_spare_servers",
           "these are more than pm.max_children, which is " + text(pool.max_children));
    }
    if (pool.max_spare_servers > pool.max_children) {
      fail("pm.max_spare_servers",
           "these are more than pm.max_children, which is " + text(pool.max_children));
    }
    if (pool.max_spare_servers < pool.min_spare_servers) {
      fail("pm.max_spare_servers",
           "these are fewer than pm.min_spare_servers, which is " + text(pool.min_spare_servers));
    }
    if (pool.start_servers < pool.min_spare_servers ||
        pool.start_servers > pool.max_spare_servers) {
      fail_at_one({"pm.start_servers", "pm.min_spare_servers", "pm.max_spare_servers"},
                  "pm.start_servers has to be from pm.min_spare_servers, which is " +
                      text(pool.min_spare_servers) + ", to pm.max_spare_servers, which is " +
                      text(pool.max_spare_servers));
    }
  }

  void check_listening() const {
    check_address("listen", config_.endpoint.address);
    if (!config_.status.listen.empty()) check_address("pm.status_listen", config_.status.listen);
    if (config_.status.listen == config_.endpoint.address) {
      fail("pm.status_listen", "this is the address of listen, too; another one is needed");
    }
  }

  void check_address(const std::string& name, const std::string& address) const {
    if (address.starts_with('/')) {
      if (address.size() >= sizeof(sockaddr_un::sun_path)) {
        fail(name, "a unix socket's path has at most 107 bytes");
      }
    } else if (!is_internet_address(address)) {
      fail(name, "not a /path, IPv4:port, [IPv6]:port or port");
    }
  }

  static bool is_internet_address(const std::string& text) {
    const auto colon = text.rfind(':');
    const std::string port = colon == std::string::npos ? text : text.substr(colon + 1);
    const bool has_port = !port.empty() && port.size() <= 5 &&
                          port.find_first_not_of("0123456789") == std::string::npos &&
                          std::stoi(port) <= 65535;
    if (!has_port) return false;
    if (colon == std::string::npos) return true;
    std::string host = text.substr(0, colon);
    in6_addr bytes{};
    if (inet_pton(AF_INET, host.c_str(), &bytes) == 1) return true;
    if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
    host = host.substr(1, host.size() - 2);
    return inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
  }

  void check_pages() const {
    const std::array<std::pair<const char*, const std::string*>, 3> pages = {
        {{"pm.status_path", &config_.status.status_path},
         {"ping.path", &config_.status.ping_path},
         {"visits.metrics_path", &config_.status.metrics_path}}};
    for (std::size_t i = 0; i < pages.size(); ++i) {
      for (std::size_t j = i + 1; j < pages.size(); ++j) {
        if (pages[i].second->empty() || *pages[i].second != *pages[j].second) continue;
        const bool first = origins_.contains(pages[i].first) && !origins_.contains(pages[j].first);
        fail(pages[first ? i : j].first, "this is the path of " +
                                             std::string(pages[first ? j : i].first) +
                                             ", too; each page needs its own");
      }
    }
  }

  // php-fpm's letters, some with {…} before them.
  void check_access_format() const {
    const std::string& format = config_.access_log.format;
    for (std::size_t at = format.find('%'); at != std::string::npos; at = format.find('%', at)) {
      std::size_t letter = at + 1;
      if (letter < format.size() && format[letter] == '{') letter = format.find('}', letter) + 1;
      const bool is_known =
          letter != 0 && letter < format.size() &&
          std::string_view("%CdeflmMnopPqQrRstTu").find(format[letter]) != std::string_view::npos;
      if (!is_known) {
        fail("access.format",
             "after % one of % C d e f l m M n o p P q Q r R s t T u is needed, "
             "not " +
                 format.substr(at, letter == 0 ? 2 : letter - at + 1));
      }
      at = letter + 1;
    }
  }

  void check_slow() const {
    const auto slow = config_.pool.request_slowlog_timeout;
    const auto longest = config_.pool.request_terminate_timeout;
    if (slow.count() > 0 && longest.count() > 0 && slow > longest) {
      fail_at_one(
          {"request_slowlog_timeout", "request_terminate_timeout"},
          "request_slowlog_timeout is longer than request_terminate_timeout: no request lives to "
          "be slow");
    }
  }

  const Config& config_;
  const Origins& origins_;
};

class Machine {
 public:
  explicit Machine(const CommandLine& command)
      : config_(command.config), origins_(command.origins) {}

  void check() const {
    check_user("user", config_.confinement.user);
    check_group("group", config_.confinement.group);
    check_user("listen.owner", config_.endpoint.owner);
    check_group("listen.group", config_.endpoint.group);
    check_folder("chroot", config_.confinement.chroot.value_or(""));
    check_folder("chdir",
                 config_.confinement.chroot.value_or("") + config_.confinement.chdir.value_or(""));
    check_folder_of("pid", config_.pid_file);
    if (config_.error_log.file != "syslog") check_folder_of("error_log", config_.error_log.file);
    check_folder_of("access.log", config_.access_log.file);
    check_folder_of("slowlog", config_.slow_log);
    if (is_path(config_.endpoint.address)) check_folder_of("listen", config_.endpoint.address);
    if (is_path(config_.status.listen)) check_folder_of("pm.status_listen", config_.status.listen);
  }

 private:
  static bool is_path(const std::string& address) { return address.starts_with('/'); }

  static bool is_number(const std::string& text) {
    return !text.empty() && text.size() < 10 &&
           text.find_first_not_of("0123456789") == std::string::npos;
  }

  [[noreturn]] void fail(const std::string& name, const std::string& value,
                         const std::string& why) const {
    const auto origin = origins_.find(name);
    throw ConfigError((origin == origins_.end() ? name + " = " + value : origin->second) + ": " +
                      why);
  }

  void check_user(const char* name, const std::optional<std::string>& user) const {
    if (!user || is_number(*user) || getpwnam(user->c_str())) return;
    fail(name, *user, "no user is called " + *user);
  }

  void check_group(const char* name, const std::optional<std::string>& group) const {
    if (!group || is_number(*group) || getgrnam(group->c_str())) return;
    fail(name, *group, "no group is called " + *group);
  }

  void check_folder(const char* name, const std::string& folder) const {
    struct stat status {};
    if (folder.empty()) return;
    if (stat(folder.c_str(), &status) == -1) {
      fail(name, folder, "the folder " + folder + ": " + std::strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) fail(name, folder, folder + " is no folder");
  }

  void check_folder_of(const char* name, const std::string& file) const {
    if (file.empty()) return;
    struct stat status {};
    if (stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      fail(name, file, file + " is a folder; a file is needed");
    }
    const auto slash = file.rfind('/');
    check_folder(name, slash == std::string::npos ? "." : file.substr(0, slash + 1));
  }

  const Config& config_;
  const Origins& origins_;
};

}  // namespace

void check_agreement(const Config& config, const Origins& origins) {
  Agreement(config, origins).check();
}

void check_machine(const CommandLine& command) { Machine(command).check(); }

}  // namespace cli
