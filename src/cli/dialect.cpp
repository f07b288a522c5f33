#include "cli/dialect.hpp"

#define INI_HANDLER_LINENO 1  // as Debian builds it
#include <glob.h>
#include <ini.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/error.hpp"
#include "cli/text.hpp"

namespace cli {
namespace {

constexpr std::size_t most_bytes = 1 << 20;
constexpr std::size_t longest_section = 31;
constexpr int deepest_include = 8;

// Stands for a ; inside quotes, which inih would take for a comment.
constexpr char kept_semicolon = 1;

std::string place(const std::string& file, int line) { return file + ":" + std::to_string(line); }

std::string contents_of(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"),
                                                               std::fclose);
  if (!stream) throw ConfigError(file + ": " + std::strerror(errno));
  std::string text(most_bytes + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), stream.get()));
  if (std::ferror(stream.get())) throw ConfigError(file + ": " + std::strerror(errno));
  if (text.size() > most_bytes) {
    throw ConfigError(file + ": this is larger than 1 MiB, which no configuration is");
  }
  return text;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && !is_blank(c)) || byte == 0x7f;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Gives a text to inih, line by line, in a form that inih and php-fpm read alike; and takes what it
// finds. What inih could not hold in its buffer of 200 bytes goes to it as continued lines.
// No exception may pass through inih: the first error is kept, and ends the reading.
class Parse {
 public:
  Parse(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.erase(0, 3);
  }

  std::vector<Entry> run() {
    const int wrong = ini_parse_stream(next, this, take, this);
    if (error_) throw ConfigError(*error_);
    if (wrong > 0) {
      const int line = lines_.at(static_cast<std::size_t>(wrong) - 1);
      throw ConfigError(place(file_, line) + ": this is neither [section] nor name = value");
    }
    return std::move(entries_);
  }

 private:
  static char* next(char* buffer, int room, void* self) {
    return static_cast<Parse*>(self)->feed(buffer, static_cast<std::size_t>(room));
  }

  static int take(void* self, const char* section, const char* name, const char* value, int) {
    static_cast<Parse*>(self)->found(section, name, value);
    return 1;
  }

  char* feed(char* buffer, std::size_t room) {
    if (pending_.empty() && !next_line()) return nullptr;
    const std::string piece = cut(room - 2);
    if (error_) return nullptr;
    lines_.push_back(line_);
    std::memcpy(buffer, (piece + "\n").c_str(), piece.size() + 2);
    return buffer;
  }

  // An entry without a name after each [section] makes inih tell of it even when it stays empty.
  bool next_line() {
    is_continued_ = false;
    if (opens_section_) {
      opens_section_ = false;
      pending_ = "=";
      return true;
    }
    if (at_ >= text_.size() || error_) return false;
    const auto end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line = std::string_view(text_).substr(at_, end - at_);
    at_ = end + 1;
    ++line_;
    prepare(line);
    return !error_;
  }

  void prepare(std::string_view line) {
    if (std::any_of(line.begin(), line.end(), is_control)) return refuse("a control byte");
    line = trimmed(without_comment(line));
    pending_ = line;
    std::replace(pending_.begin(), pending_.end(), ';', kept_semicolon);
    if (pending_.empty()) pending_ = ";";
    opens_section_ = pending_.starts_with('[') && pending_.find(']') != std::string::npos;
    if (opens_section_ && pending_.find(']') - 1 > longest_section) {
      refuse("the name of a section has at most 31 bytes");
    }
    if (pending_.starts_with('=')) refuse("the name before the = is missing");
  }

  // The next piece of the pending line. inih trims each, so none begins or ends with a blank.
  std::string cut(std::size_t room) {
    const std::string lead = is_continued_ ? " " : "";
    is_piece_of_same_ = is_continued_;
    is_continued_ = true;
    if (lead.size() + pending_.size() <= room) return lead + std::exchange(pending_, {});
    std::size_t size = room - lead.size();
    while (size > 0 && !may_cut_at(size)) --size;
    if (lead.empty() && pending_.find_first_of("=:") >= size) size = 0;
    if (size == 0) return refuse("this is neither [section] nor name = value"), std::string();
    std::string piece = lead + pending_.substr(0, size);
    pending_.erase(0, size);
    return piece;
  }

  bool may_cut_at(std::size_t at) const {
    return !is_blank(pending_[at - 1]) && !is_blank(pending_[at]) && pending_[at] != '#';
  }

  void found(const char* section, const char* name, std::string value) {
    std::replace(value.begin(), value.end(), kept_semicolon, ';');
    if (is_piece_of_same_) {
      if (!entries_.empty() && entries_.back().line == line_) entries_.back().value += value;
    } else {
      entries_.push_back(
          {.file = file_, .line = line_, .section = section, .name = name, .value = value});
    }
  }

  void refuse(const char* why) {
    if (!error_) error_ = place(file_, line_) + ": " + why;
  }

  std::string file_;
  std::string text_;
  std::size_t at_ = 0;
  int line_ = 0;
  std::string pending_;
  bool opens_section_ = false;
  bool is_continued_ = false;
  bool is_piece_of_same_ = false;
  std::vector<int> lines_;  // of the text, for each that inih has seen
  std::vector<Entry> entries_;
  std::optional<std::string> error_;
};

std::optional<std::string> variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

// Reads files into one list, those that are included in the place of their line.
class Collector {
 public:
  void read(const std::string& file, const std::string& section, int depth) {
    for (Entry& entry : Parse(file, contents_of(file)).run()) {
      if (entry.section.empty()) entry.section = section;
      expand(entry);
      if (entry.name == "include") {
        include(entry, depth);
      } else {
        reading.entries.push_back(std::move(entry));
      }
    }
  }

  Reading reading;

 private:
  void expand(Entry& entry) try {
    const bool is_global = entry.section.empty() || entry.section == "global";
    auto [value, missing] = expanded(entry.value, {.pool = is_global ? "" : entry.section,
                                                   .variable = variable,
                                                   .copies = entry.name.starts_with("env[")});
    entry.value = value;
    for (const std::string& name : missing) {
      reading.warnings.push_back(where(entry) + ": the environment has no " + name +
                                 "; nothing stands in its place");
    }
  } catch (const ConfigError& error) {
    throw ConfigError(where(entry) + ": " + error.what());
  }

  void include(const Entry& entry, int depth) {
    if (depth == deepest_include) {
      throw ConfigError(where(entry) + ": files are included " + std::to_string(deepest_include) +
                        " deep; does one include itself?");
    }
    const std::vector<std::string> files = matches(entry);
    if (files.empty()) {
      reading.warnings.push_back(where(entry) + ": no file matches " + entry.value);
    }
    for (const std::string& file : files) read(file, entry.section, depth + 1);
  }

  static std::vector<std::string> matches(const Entry& entry) {
    std::string pattern = entry.value;
    const auto slash = entry.file.rfind('/');
    if (!pattern.starts_with('/') && slash != std::string::npos) {
      pattern = entry.file.substr(0, slash + 1) + pattern;
    }
    glob_t found{};
    std::vector<std::string> files;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
    std::erase_if(files, [](const std::string& file) {
      struct stat status {};
      return stat(file.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    });
    return files;
  }

  static std::string where(const Entry& entry) {
    return place(entry.file, entry.line) + ": " + entry.name;
  }
};

}  // namespace

Reading read_configuration(const std::string& file) {
  Collector collector;
  collector.read(file, {}, 0);
  return std::move(collector.reading);
}

}  // namespace cli
