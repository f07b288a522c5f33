#include "visits/access_log.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <span>
#include <stdexcept>
#include <utility>

#include "os/escape.hpp"

namespace visits {
namespace {

constexpr std::size_t longest_format = 1024;
constexpr std::size_t most_time = 256;
constexpr auto usual_time = "%d/%b/%Y:%H:%M:%S %z";

std::chrono::microseconds of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument("access.format: " + why);
}

std::string_view query_of(const http::Request& request) {
  const auto mark = request.target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : request.target.substr(mark + 1);
}

std::int64_t length_of(const http::Request& request) {
  const std::string_view text = request.parameter("CONTENT_LENGTH");
  std::int64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return std::max<std::int64_t>(length, 0);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// Of the answer as it is sent.
std::string header_of(const http::Response& response, std::string_view name) {
  const std::string sent = http::cgi_text(response);
  for (std::size_t at = 0; sent.compare(at, 2, "\r\n") != 0; at = sent.find("\r\n", at) + 2) {
    const std::string_view line = std::string_view(sent).substr(at, sent.find("\r\n", at) - at);
    const std::size_t colon = line.find(':');
    if (equal_ignoring_case(line.substr(0, colon), name)) {
      return std::string(line.substr(std::min(colon + 2, line.size())));
    }
  }
  return {};
}

// Never half a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
  return text.substr(0, size);
}

// As nginx writes its logs.
void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      out += c;
      continue;
    }
    out += "\\x";
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  }
}

std::string_view severity_of(int status) {
  if (status >= 500) return "ERROR";
  return status >= 400 ? "WARNING" : "INFO";
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// The modifiers of a token, and what each makes of its number.
struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Unit, 7> time_units = {{{"seconds", 1},
                                             {"milliseconds", 1000},
                                             {"milli", 1000},
                                             {"miliseconds", 1000},
                                             {"mili", 1000},
                                             {"microseconds", 1000000},
                                             {"micro", 1000000}}};
constexpr std::array<Unit, 5> memory_units = {
    {{"bytes", 1}, {"kilobytes", 1024}, {"kilo", 1024}, {"megabytes", 1048576}, {"mega", 1048576}}};
constexpr std::array<Unit, 3> processor_units = {{{"total", 0}, {"user", 1}, {"system", 2}}};

std::int64_t factor_of(std::span<const Unit> units, std::string_view name) {
  if (name.empty()) return units.front().factor;
  const auto found = std::find_if(units.begin(), units.end(), [name](const Unit& unit) {
    return equal_ignoring_case(unit.name, name);
  });
  return found == units.end() ? -1 : found->factor;
}

void require_unit(std::span<const Unit> units, char letter, const std::string& name) {
  if (factor_of(units, name) != -1) return;
  std::string known;
  for (const Unit& unit : units) known += (known.empty() ? "" : ", ") + std::string(unit.name);
  refuse("%{" + name + "}" + letter + ": there is only " + known);
}

}  // namespace

Moment Moment::now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.time = std::chrono::system_clock::now(),
          .clock = std::chrono::steady_clock::now().time_since_epoch(),
          .user = of(usage.ru_utime),
          .system = of(usage.ru_stime)};
}

AccessLog::AccessLog(Settings settings) : settings_(std::move(settings)) {
  if (settings_.format.size() > longest_format) {
    refuse("it is longer than " + std::to_string(longest_format) + " bytes");
  }
  if (settings_.format != "json") compile();
  line_.reserve(8 * longest_line);
}

void AccessLog::compile() {
  const std::string& format = settings_.format;
  std::string literal;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      literal += format[at];
      continue;
    }
    std::string argument;
    if (++at < format.size() && format[at] == '{') {
      const std::size_t end = format.find('}', at);
      if (end == std::string::npos) refuse("a { has no }");
      argument = format.substr(at + 1, end - at - 1);
      at = end + 1;
    }
    if (at >= format.size()) refuse("it ends in the middle of a token");
    Part part = token(format[at], argument);
    part.literal = std::exchange(literal, {});
    parts_.push_back(std::move(part));
  }
  parts_.push_back({.literal = literal});
}

AccessLog::Part AccessLog::token(char letter, const std::string& argument) const {
  struct Plain {
    char letter;
    Write write;
    const char* argument;
  };
  static const std::array<Plain, 13> plain = {{{'f', &AccessLog::parameter, "SCRIPT_FILENAME"},
                                               {'l', &AccessLog::content_length, ""},
                                               {'m', &AccessLog::method, ""},
                                               {'n', &AccessLog::pool, ""},
                                               {'p', &AccessLog::worker, ""},
                                               {'P', &AccessLog::master, ""},
                                               {'q', &AccessLog::query, ""},
                                               {'Q', &AccessLog::query_mark, ""},
                                               {'r', &AccessLog::path, ""},
                                               {'R', &AccessLog::parameter, "REMOTE_ADDR"},
                                               {'s', &AccessLog::status, ""},
                                               {'u', &AccessLog::parameter, "REMOTE_USER"},
                                               {'%', &AccessLog::percent, ""}}};
  const std::string shown = std::string("%") + letter;
  switch (letter) {
    case 'C':
      require_unit(processor_units, letter, argument);
      return {.write = &AccessLog::processor, .argument = argument};
    case 'd':
      require_unit(time_units, letter, argument);
      return {.write = &AccessLog::duration, .argument = argument};
    case 'M':
      require_unit(memory_units, letter, argument);
      return {.write = &AccessLog::memory, .argument = argument};
    case 'e':
      if (argument.empty()) refuse("%e needs the name of a parameter: %{HTTP_HOST}e");
      return {.write = &AccessLog::parameter, .argument = argument};
    case 'o':
      if (argument.empty()) refuse("%o needs the name of a header: %{Content-Type}o");
      return {.write = &AccessLog::header, .argument = argument};
    case 't': return {.write = &AccessLog::began, .argument = argument};
    case 'T': return {.write = &AccessLog::ended, .argument = argument};
    default: break;
  }
  const auto known = std::find_if(plain.begin(), plain.end(),
                                  [letter](const Plain& one) { return one.letter == letter; });
  if (known == plain.end()) refuse("there is no token " + shown);
  if (!argument.empty()) refuse(shown + " takes nothing in braces");
  return {.write = known->write, .argument = known->argument};
}

bool AccessLog::is_suppressed(const Access& access) const {
  const http::Request& request = access.request;
  const bool is_look = request.method == "GET" || request.method == "HEAD";
  const bool is_success = access.response.status >= 200 && access.response.status < 300;
  if (!is_look || !is_success || !query_of(request).empty() || length_of(request) > 0) return false;
  return std::find(settings_.suppressed.begin(), settings_.suppressed.end(), request.path()) !=
         settings_.suppressed.end();
}

std::string_view AccessLog::line(const Access& access) {
  if (!settings_.suppressed.empty() && is_suppressed(access)) return {};
  longest_name_ = longest_line;
  do {
    line_.clear();
    settings_.format == "json" ? write_json(access) : write_text(access);
    longest_name_ /= 2;
  } while (line_.size() >= longest_line && longest_name_ > 0);
  line_.resize(std::min(line_.size(), longest_line - 1));
  line_ += '\n';
  return line_;
}

void AccessLog::write_text(const Access& access) {
  for (const Part& part : parts_) {
    line_ += part.literal;
    if (part.write != nullptr) (this->*part.write)(part, access);
  }
}

void AccessLog::write_json(const Access& access) {
  const http::Request& request = access.request;
  line_ += "{\"time\":\"";
  const auto micros = std::chrono::floor<std::chrono::microseconds>(access.begin.time);
  const std::time_t whole = std::chrono::system_clock::to_time_t(
      std::chrono::floor<std::chrono::seconds>(access.begin.time));
  std::tm utc{};
  gmtime_r(&whole, &utc);
  std::array<char, 64> text{};
  line_.append(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc));
  const auto fraction = micros.time_since_epoch().count() % 1000000;
  std::snprintf(text.data(), text.size(), ".%06ldZ\"", static_cast<long>(fraction));
  line_ += text.data();
  field("severity", severity_of(access.response.status));
  field("status", access.response.status);
  field("method", request.method);
  field("uri", request.path());
  field("query", query_of(request));
  line_ += ",\"duration_ms\":";
  decimals(seconds(access.end.clock - access.begin.clock) * 1000, 3);
  field("remote", request.parameter("REMOTE_ADDR"));
  field("user", request.parameter("REMOTE_USER"));
  field("pid", getpid());
  if (access.count) field("count", *access.count);
  const auto optional = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) field(key, value);
  };
  optional("request_id", request.parameter("REQUEST_ID"));
  optional("logging.googleapis.com/trace", request.parameter("TRACE"));
  line_ += '}';
}

void AccessLog::field(std::string_view key, std::string_view text) {
  line_.append(",\"").append(key).append("\":\"");
  name(text);
  line_ += '"';
}

void AccessLog::field(std::string_view key, std::int64_t value) {
  line_.append(",\"").append(key).append("\":");
  number(value);
}

void AccessLog::name(std::string_view text) {
  const bool is_cut = text.size() > longest_name_;
  if (is_cut) text = cut(text, longest_name_);
  if (settings_.format == "json") {
    os::append_json(line_, text, std::string::npos);
  } else {
    append_escaped(line_, text);
  }
  if (is_cut) line_ += "...";
}

void AccessLog::name_or_dash(std::string_view text) { name(text.empty() ? "-" : text); }

void AccessLog::number(std::int64_t value) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  line_.append(text.data(), end);
}

void AccessLog::decimals(double value, int digits) {
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits)
          .ptr;
  line_.append(text.data(), end);
}

void AccessLog::time(const std::string& form, const Moment& moment) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(moment.time);
  std::tm local{};
  localtime_r(&whole, &local);
  std::array<char, most_time> text{};
  const char* const wanted = form.empty() ? usual_time : form.c_str();
  line_.append(text.data(), std::strftime(text.data(), text.size(), wanted, &local));
}

void AccessLog::processor(const Part& part, const Access& access) {
  const auto user = access.end.user - access.begin.user;
  const auto system = access.end.system - access.begin.system;
  const std::int64_t kind = factor_of(processor_units, part.argument);
  const auto used = kind == 1 ? user : kind == 2 ? system : user + system;
  const double taken = seconds(access.end.clock - access.begin.clock);
  decimals(taken > 0 ? seconds(used) / taken * 100 : 0, 2);
}

void AccessLog::duration(const Part& part, const Access& access) {
  const auto taken = access.end.clock - access.begin.clock;
  const std::int64_t factor = factor_of(time_units, part.argument);
  if (factor == 1000000) return number(taken / std::chrono::microseconds(1));
  decimals(seconds(taken) * static_cast<double>(factor), 3);
}

void AccessLog::parameter(const Part& part, const Access& access) {
  name_or_dash(access.request.parameter(part.argument));
}

void AccessLog::content_length(const Part&, const Access& access) {
  number(length_of(access.request));
}

void AccessLog::method(const Part&, const Access& access) { name_or_dash(access.request.method); }

void AccessLog::memory(const Part& part, const Access&) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  number(usage.ru_maxrss * 1024 / factor_of(memory_units, part.argument));
}

void AccessLog::pool(const Part&, const Access&) { name_or_dash(settings_.pool); }

void AccessLog::header(const Part& part, const Access& access) {
  name_or_dash(header_of(access.response, part.argument));
}

void AccessLog::worker(const Part&, const Access&) { number(getpid()); }

void AccessLog::master(const Part&, const Access&) { number(getppid()); }

void AccessLog::query(const Part&, const Access& access) { name(query_of(access.request)); }

void AccessLog::query_mark(const Part&, const Access& access) {
  if (!query_of(access.request).empty()) line_ += '?';
}

void AccessLog::path(const Part&, const Access& access) { name_or_dash(access.request.path()); }

void AccessLog::status(const Part&, const Access& access) { number(access.response.status); }

void AccessLog::began(const Part& part, const Access& access) { time(part.argument, access.begin); }

void AccessLog::ended(const Part& part, const Access& access) { time(part.argument, access.end); }

void AccessLog::percent(const Part&, const Access&) { line_ += '%'; }

}  // namespace visits
