#include "cli/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

namespace cli {
namespace {

// A whole number with an optional sign, in that base, or with 0x before it in hexadecimal.
std::optional<std::int64_t> number(std::string_view text, int base = 10) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::int64_t value = 0;
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, value, base);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != past) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

std::int64_t number_within(std::string_view text, std::int64_t least, std::int64_t most) {
  const auto value = number(text);
  if (value && *value >= least && *value <= most) return *value;
  throw ConfigError("a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                    " is needed");
}

mode_t mode(std::string_view text) {
  const auto value = number(text, 8);
  if (value && *value >= 0 && *value <= 0777) return static_cast<mode_t>(*value);
  throw ConfigError("permission bits in octal are needed, such as 0660");
}

// "90", "90s", "5m", "2h", "1d", or milliseconds as "500ms".
std::chrono::milliseconds duration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    std::int64_t milliseconds;
  };
  constexpr std::array<Unit, 5> units = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [text](const Unit& u) { return text.ends_with(u.suffix); });
  const bool bare = unit == units.end();
  const auto count = number(bare ? text : text.substr(0, text.size() - unit->suffix.size()));
  const std::int64_t size = bare ? 1000 : unit->milliseconds;
  constexpr std::chrono::milliseconds longest = std::chrono::hours(365 * 24);
  if (!count || *count < 0 || *count > longest.count() / size) {
    throw ConfigError("a time of at most 365d is needed, such as 500ms, 20s or 2m");
  }
  return std::chrono::milliseconds(*count * size);
}

bool yes_or_no(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  throw ConfigError("yes or no is needed");
}

sysv::Key key(std::string_view text) {
  const auto value = number(text);
  if (!value || *value == 0 || *value < INT32_MIN || *value > INT32_MAX) {
    throw ConfigError(
        "a key is a number from 0x1 to 0x7fffffff, or a negative one of 32 bits: PHP 8.6 takes no "
        "other");
  }
  return sysv::Key{static_cast<key_t>(*value)};
}

sysv::Key key_of_file(const std::string& path) try {
  return sysv::key_of_file(path);
} catch (const std::system_error& error) {
  throw ConfigError(error.code().message() + "; the file must exist, its inode makes the key");
}

// `visits.key` wins over `visits.key_file`, in whatever order they come.
struct Draft {
  Config config;
  bool has_key = false;
};

struct Directive {
  const char* name;
  const char* standard;
  const char* meaning;
  void (*set)(Draft&, const std::string&);
};

constexpr std::array<Directive, 15> directives = {{
    {"listen", "/run/visits.sock", "/path, IPv4:port, [IPv6]:port or port",
     [](Draft& draft, const std::string& value) { draft.config.endpoint.address = value; }},
    {"listen.backlog", "-1", "connections that may wait; -1: as many as the kernel allows",
     [](Draft& draft, const std::string& value) {
       draft.config.endpoint.backlog = static_cast<int>(number_within(value, -1, 65535));
     }},
    {"listen.owner", "this user", "owner of the unix socket",
     [](Draft& draft, const std::string& value) { draft.config.endpoint.owner = value; }},
    {"listen.group", "this group", "group of the unix socket: the web server's",
     [](Draft& draft, const std::string& value) { draft.config.endpoint.group = value; }},
    {"listen.mode", "0660", "permissions of the unix socket",
     [](Draft& draft, const std::string& value) { draft.config.endpoint.mode = mode(value); }},
    {"pm", "static", "how the pool is sized; static: pm.max_children workers, always",
     [](Draft&, const std::string& value) {
       if (value != "static") throw ConfigError("static is the only kind of pool so far");
     }},
    {"pm.max_children", "4", "number of workers",
     [](Draft& draft, const std::string& value) {
       draft.config.pool.max_children = static_cast<int>(number_within(value, 1, 10000));
     }},
    {"process_control_timeout", "20s", "how long a stop waits for requests that are being answered",
     [](Draft& draft, const std::string& value) {
       draft.config.pool.process_control_timeout = duration(value);
     }},
    {"user", "this user", "what workers become when root starts the pool",
     [](Draft& draft, const std::string& value) { draft.config.confinement.user = value; }},
    {"group", "the user's", "the same, of their group",
     [](Draft& draft, const std::string& value) { draft.config.confinement.group = value; }},
    {"visits.seccomp", "yes", "whether workers are kept to the system calls that serving needs",
     [](Draft& draft, const std::string& value) {
       draft.config.confinement.seccomp = yes_or_no(value);
     }},
    {"visits.key", "0x76697369", "key of segment and semaphore set; wins over visits.key_file",
     [](Draft& draft, const std::string& value) {
       draft.config.counter.key = key(value);
       draft.has_key = true;
     }},
    {"visits.key_file", "none", "a file whose ftok(FILE, 'p') is the key, as in PHP",
     [](Draft& draft, const std::string& value) {
       const sysv::Key found = key_of_file(value);
       if (!draft.has_key) draft.config.counter.key = found;
     }},
    {"visits.events", "none", "key of a message queue that every visit is sent to, as a PHP array",
     [](Draft& draft, const std::string& value) { draft.config.events = key(value); }},
    {"visits.access", "0600", "permissions of segment, set and queue, when they are made here",
     [](Draft& draft, const std::string& value) {
       draft.config.counter.access = sysv::Access{mode(value)};
     }},
}};

void apply(Draft& draft, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) throw UsageError("-d wants name=value, not " + assignment);
  const std::string name = assignment.substr(0, equals);
  const auto directive = std::find_if(directives.begin(), directives.end(),
                                      [&](const Directive& d) { return name == d.name; });
  if (directive == directives.end()) {
    throw ConfigError("-d " + assignment + ": there is no directive " + name +
                      ", see visitsd --help");
  }
  try {
    directive->set(draft, assignment.substr(equals + 1));
  } catch (const ConfigError& error) {
    throw ConfigError("-d " + assignment + ": " + error.what());
  }
}

}  // namespace

CommandLine parse(std::span<const char* const> words) {
  Draft draft;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "-h" || word == "--help") return {.wish = Wish::help, .config = {}};
    if (word == "-v" || word == "--version") return {.wish = Wish::version, .config = {}};
    if (word == "-F" || word == "--nodaemonize") continue;
    if (word == "-d" && i + 1 < words.size()) {
      apply(draft, words[++i]);
    } else {
      throw UsageError("no such option: " + std::string(word) + ", see visitsd --help");
    }
  }
  return {.wish = Wish::serve, .config = draft.config};
}

std::string help() {
  std::string text =
      "Usage: visitsd [-F] [-d NAME=VALUE] ...\n"
      "Counts visits: a pool of FastCGI workers that share one number in System V memory with "
      "PHP.\n"
      "\n"
      "  -F               stay in the foreground (it always does so far)\n"
      "  -d NAME=VALUE    set a directive; the last one counts\n"
      "  -h, -v           this text; the version\n"
      "\n"
      "Directives and their defaults:\n";
  for (const Directive& directive : directives) {
    const std::string assignment = std::string(directive.name) + " = " + directive.standard;
    text += "  " + assignment +
            std::string(std::max<std::size_t>(36, assignment.size() + 1) - assignment.size(), ' ') +
            directive.meaning + "\n";
  }
  return text +
         "\nSignals: TERM, INT and QUIT finish the requests that are being answered, then end it.\n"
         "Exit codes: 0 stopped as told, 64 wrong usage, 78 wrong configuration.\n";
}

}  // namespace cli
