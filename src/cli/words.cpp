#include "cli/words.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace cli {
namespace {

struct Option {
  char letter;
  std::string_view name;
  bool takes_value;
  void (*apply)(Words&, const std::string& value);
};

constexpr std::array<Option, 9> options = {{
    {'h', "help", false, [](Words& w, const std::string&) { w.help = true; }},
    {'v', "version", false, [](Words& w, const std::string&) { w.version = true; }},
    {'t', "test", false, [](Words& w, const std::string&) { ++w.tests; }},
    {'R', "allow-to-run-as-root", false, [](Words& w, const std::string&) { w.allow_root = true; }},
    {'D', "daemonize", false, [](Words& w, const std::string&) { w.daemonize = true; }},
    {'F', "nodaemonize", false, [](Words& w, const std::string&) { w.daemonize = false; }},
    {'y', "fpm-config", true, [](Words& w, const std::string& value) { w.file = value; }},
    {'p', "prefix", true, [](Words& w, const std::string& value) { w.prefix = value; }},
    {'d', "define", true,
     [](Words& w, const std::string& value) { w.directives.push_back(value); }},
}};

class Reader {
 public:
  explicit Reader(std::span<const char* const> words) : rest_(words) {}

  Words run() {
    while (!rest_.empty()) {
      const std::string_view word = rest_.front();
      rest_ = rest_.subspan(1);
      if (word == "--") {
        command();
      } else if (word.starts_with("--")) {
        long_option(word);
      } else {
        short_options(word);
      }
    }
    return words_;
  }

 private:
  void long_option(std::string_view word) {
    const auto equals = word.find('=');
    const std::string_view name = word.substr(2, equals == word.npos ? equals : equals - 2);
    const auto option = std::find_if(options.begin(), options.end(),
                                     [name](const Option& o) { return o.name == name; });
    const bool has_value = equals != word.npos;
    if (option == options.end() || (has_value && !option->takes_value)) unknown(word);
    const std::string value = has_value             ? std::string(word.substr(equals + 1))
                              : option->takes_value ? next(word)
                                                    : std::string();
    option->apply(words_, value);
  }

  void short_options(std::string_view word) {
    if (word.size() < 2 || word.front() != '-') unknown(word);
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto option = std::find_if(options.begin(), options.end(),
                                       [&](const Option& o) { return o.letter == word[i]; });
      if (option == options.end()) unknown(word);
      if (!option->takes_value) {
        option->apply(words_, {});
        continue;
      }
      const std::string_view attached = word.substr(i + 1);
      return option->apply(words_, attached.empty() ? next(word) : std::string(attached));
    }
  }

  void command() {
    if (rest_.empty() || *rest_.front() == '\0') {
      throw UsageError("-- wants a command after it, see visitsd --help");
    }
    words_.front.assign(rest_.begin(), rest_.end());
    rest_ = {};
  }

  std::string next(std::string_view option) {
    if (rest_.empty() || *rest_.front() == '\0') {
      throw UsageError(std::string(option) + " wants a value after it, see visitsd --help");
    }
    std::string value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }

  [[noreturn]] static void unknown(std::string_view word) {
    throw UsageError("no such option: " + std::string(word) + ", see visitsd --help");
  }

  std::span<const char* const> rest_;
  Words words_;
};

}  // namespace

Words read_words(std::span<const char* const> words) { return Reader(words).run(); }

}  // namespace cli
