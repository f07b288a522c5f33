#include "cli/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "cli/checks.hpp"
#include "cli/dialect.hpp"
#include "cli/directives.hpp"
#include "cli/words.hpp"

namespace cli {
namespace {

// Puts a command line together, one directive after the other.
class Draft {
 public:
  Draft(const Words& words, const std::string& dumped) : words_(words), dumped_(dumped) {
    command_.file = words.file;
    command_.front = words.front;
    if (!words.prefix.empty()) top_ = std::filesystem::absolute(words.prefix).string();
    command_.wish = words.tests == 0 ? Wish::serve : words.tests == 1 ? Wish::test : Wish::dump;
  }

  CommandLine finish() {
    if (!dumped_.empty()) {
      read_file(dumped_);
    } else {
      if (!words_.file.empty()) read_file(words_.file);
      for (const std::string& assignment : words_.directives) assign(assignment);
    }
    if (words_.daemonize) config().daemonize = *words_.daemonize;
    derive_sizes();
    resolve_paths();
    if (dumped_.empty()) find_key();
    check_agreement(config(), command_.origins);
    check_user();
    warn_of_tracking();
    return std::move(command_);
  }

 private:
  Config& config() { return command_.config; }
  bool is_given(const std::string& name) const { return command_.origins.contains(name); }

  void read_file(const std::string& file) {
    Reading reading = read_configuration(file);
    command_.warnings = std::move(reading.warnings);
    for (const Entry& entry : reading.entries) take(entry);
    if (pool_.empty()) {
      throw ConfigError(file + ": there is no pool in it; a section such as [www] is needed");
    }
  }

  void take(const Entry& entry) {
    const std::string place = entry.file + ":" + std::to_string(entry.line);
    const bool is_global = entry.section.empty() || entry.section == "global";
    if (!is_global) open_pool(entry.section, place);
    if (entry.name.empty()) return;
    set(is_global ? Section::global : Section::pool, entry.name, entry.value,
        place + ": " + entry.name);
  }

  void open_pool(const std::string& name, const std::string& place) {
    if (!pool_.empty() && name != config().pool.name) {
      throw ConfigError(place + ": [" + name + "]: a second pool, after [" + config().pool.name +
                        "] of " + pool_ + "; one visitsd runs one pool, start another for it");
    }
    if (!pool_.empty()) return;
    pool_ = place;
    config().pool.name = name;
  }

  void assign(const std::string& assignment) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) throw UsageError("-d wants name=value, not " + assignment);
    const std::string name = assignment.substr(0, equals);
    const Directive* const directive = find_directive(name);
    set(directive ? directive->section : Section::pool, name, assignment.substr(equals + 1),
        "-d " + assignment);
  }

  void set(Section section, const std::string& name, const std::string& value,
           const std::string& origin) try {
    set_directive(config(), section, name, value);
    if (find_directive(name)->section == section) command_.origins[name] = origin;
  } catch (const ConfigError& error) {
    throw ConfigError(origin + ": " + error.what());
  }

  // What a dynamic pool was not told follows from what it was told.
  void derive_sizes() {
    prefork::Limits& pool = config().pool;
    if (!is_given("pm.min_spare_servers")) {
      pool.min_spare_servers =
          std::min(pool.min_spare_servers,
                   is_given("pm.max_spare_servers") ? pool.max_spare_servers : pool.max_children);
    }
    if (!is_given("pm.max_spare_servers")) {
      pool.max_spare_servers =
          std::max(pool.min_spare_servers, std::min(pool.max_spare_servers, pool.max_children));
    }
    if (!is_given("pm.start_servers")) {
      pool.start_servers = (pool.min_spare_servers + pool.max_spare_servers) / 2;
    }
  }

  static void put_below(const std::string& folder, std::string& path) {
    if (folder.empty() || path.empty() || path.starts_with('/')) return;
    path = folder + (folder.ends_with('/') ? "" : "/") + path;
  }

  static void put_socket_below(const std::string& folder, std::string& address) {
    const bool is_port = address.find_first_not_of("0123456789") == std::string::npos;
    if (!is_port && address.find(':') == std::string::npos) put_below(folder, address);
  }

  void resolve_paths() {
    if (config().error_log.file != "syslog") put_below(top_, config().error_log.file);
    put_below(top_, config().pid_file);
    put_below(top_, config().prefix);
    if (config().prefix.empty()) config().prefix = top_;
    if (!config().prefix.empty()) {
      config().prefix = std::filesystem::absolute(config().prefix).string();
    }
    const std::string& prefix = config().prefix;
    put_below(prefix, config().access_log.file);
    put_below(prefix, config().slow_log);
    put_below(prefix, config().key_file);
    put_socket_below(prefix, config().endpoint.address);
    put_socket_below(prefix, config().status.listen);
    if (config().confinement.chroot) put_below(prefix, *config().confinement.chroot);
    if (auto& folder = config().confinement.chdir) {
      put_below(config().confinement.chroot ? "/" : prefix, *folder);
    }
  }

  // `visits.key` wins over `visits.key_file`, in whatever order they come.
  void find_key() try {
    if (config().key_file.empty()) return;
    const sysv::Key found = sysv::key_of_file(config().key_file);
    if (!is_given("visits.key")) config().counter.key = found;
  } catch (const std::system_error& error) {
    throw ConfigError(command_.origins["visits.key_file"] + ": " + error.code().message() +
                      "; the file must exist, its inode makes the key");
  }

  void check_user() {
    const auto& user = config().confinement.user;
    if (geteuid() != 0 || (user && *user != "root" && *user != "0")) return;
    if (!words_.file.empty() && !words_.allow_root) {
      throw ConfigError((user ? command_.origins["user"] : pool_ + ": user") +
                        ": workers would be root; name another user, or say -R");
    }
    command_.warnings.push_back(
        "workers run as root: no user is named, see `user` in visitsd --help");
  }

  void warn_of_tracking() {
    if (!config().terminate_timeout_tracks_finished) return;
    command_.warnings.push_back(command_.origins["request_terminate_timeout_track_finished"] +
                                ": this changes nothing, nothing runs after an answer here");
  }

  const Words& words_;
  const std::string& dumped_;
  std::string top_;  // -p, whole
  CommandLine command_;
  std::string pool_;  // where it begins; empty: nowhere yet
};

}  // namespace

CommandLine parse(std::span<const char* const> arguments, const std::string& dumped) {
  const Words words = read_words(arguments);
  if (words.help || words.version) {
    CommandLine command;
    command.wish = words.help ? Wish::help : Wish::version;
    return command;
  }
  return Draft(words, dumped).finish();
}

std::string help() {
  std::string text =
      "Usage: visitsd [-F | -D] [-y FILE] [-d NAME=VALUE] ... [-t[t]] [-R] [-p FOLDER]\n"
      "               [-- COMMAND ...]\n"
      "Counts visits: a pool of FastCGI workers that share one number in System V memory with "
      "PHP.\n"
      "\n"
      "  -y, --fpm-config FILE   read directives from a file as php-fpm has it: [global], one "
      "[pool]\n"
      "  -d NAME=VALUE           set a directive; wins over the file, the last one counts; a name\n"
      "                          that both sections have is the pool's\n"
      "  -F, --nodaemonize       stay in the foreground\n"
      "  -D, --daemonize         go to the background, whatever `daemonize` says\n"
      "  -p, --prefix FOLDER     where relative paths begin\n"
      "  -t, --test              say whether the configuration is sound, and touch nothing\n"
      "  -tt                     print it, too, with every default, as a file for -y\n"
      "  -R                      root may run workers as root with a file that names no user;\n"
      "                          without a file it may, and the log says so\n"
      "  -h, --help; -v, --version\n"
      "  -- COMMAND ...          run it in front of the pool, nginx for one: from when the pool "
      "is\n"
      "                          ready until a stop, when it gets a QUIT and the pool waits for "
      "it\n"
      "\n"
      "Directives and their defaults:\n";
  Section section = Section::pool;
  for (const Directive& directive : directives()) {
    if (section != directive.section) {
      text += directive.section == Section::global ? "[global]\n" : "[pool], of any name\n";
    }
    section = directive.section;
    const std::string assignment = directive.name + " = " + directive.text(Config{});
    text += "  " + assignment +
            std::string(std::max<std::size_t>(44, assignment.size() + 1) - assignment.size(), ' ') +
            directive.meaning + "\n";
  }
  return text +
         "Times have ms, s, m, h or d after them, sizes k, M or G. In a file, ${NAME} is a "
         "variable "
         "of the\nenvironment, $pool the pool's name, and include = PATTERN reads other files.\n"
         "\nSignals: TERM, INT and QUIT finish the requests that are being answered, then end it.\n"
         "Exit codes: 0 stopped as told, 64 wrong usage, 70 no start in the background, or a "
         "command in front that does\nnot stay, 78 wrong configuration, of that command, too.\n";
}

}  // namespace cli
