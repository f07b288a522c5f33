#include "cli/text.hpp"

#include <algorithm>
#include <cctype>

#include "cli/error.hpp"

namespace cli {
namespace {

bool is_of_a_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Reads one value from its beginning to its end.
class Reading {
 public:
  Reading(std::string_view raw, const Names& names) : rest_(raw), names_(names) {}

  Expanded run() {
    if (names_.copies && copy()) return result_;
    while (!rest_.empty()) step();
    if (quote_ != 0)
      throw ConfigError(std::string("a quote is not closed, ") + quote_ + " is needed");
    return result_;
  }

 private:
  void step() {
    const char c = rest_.front();
    if (quote_ == 0 && (c == '"' || c == '\'')) return turn(c);
    if (quote_ != 0 && c == quote_) return turn(0);
    if (quote_ == '"' && c == '\\' && escape()) return;
    if (quote_ != '\'' && c == '$' && (braces() || pool())) return;
    result_.value += c;
    rest_.remove_prefix(1);
  }

  void turn(char quote) {
    quote_ = quote;
    rest_.remove_prefix(1);
  }

  bool escape() {
    if (rest_.size() < 2 || std::string_view("\"\\'$").find(rest_[1]) == std::string_view::npos) {
      return false;
    }
    result_.value += rest_[1];
    rest_.remove_prefix(2);
    return true;
  }

  bool braces() {
    const auto end = rest_.find('}');
    if (!rest_.starts_with("${") || end == std::string_view::npos) return false;
    put(std::string(rest_.substr(2, end - 2)));
    rest_.remove_prefix(end + 1);
    return true;
  }

  bool pool() {
    constexpr std::string_view word = "$pool";
    if (names_.pool.empty() || !rest_.starts_with(word)) return false;
    result_.value += names_.pool;
    rest_.remove_prefix(word.size());
    return true;
  }

  // $NAME, or the same in double quotes, as all of the value.
  bool copy() {
    std::string_view all = rest_;
    if (all.size() >= 2 && all.front() == '"' && all.back() == '"') {
      all = all.substr(1, all.size() - 2);
    }
    if (all.size() < 2 || all.front() != '$' || all == "$pool") return false;
    const std::string name(all.substr(1));
    if (!std::all_of(name.begin(), name.end(), is_of_a_name)) return false;
    put(name);
    return true;
  }

  void put(const std::string& name) {
    if (const auto value = names_.variable(name)) {
      result_.value += *value;
    } else {
      result_.missing.push_back(name);
    }
  }

  std::string_view rest_;
  const Names& names_;
  char quote_ = 0;
  Expanded result_;
};

}  // namespace

Expanded expanded(std::string_view raw, const Names& names) { return Reading(raw, names).run(); }

std::string_view without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '"' && c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ';') {
      return line.substr(0, i);
    }
  }
  return line;
}

std::string quoted(const std::string& value) {
  const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
    return is_of_a_name(c) || std::string_view("/.,:-+~@%").find(c) != std::string_view::npos;
  });
  if (is_plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace cli
