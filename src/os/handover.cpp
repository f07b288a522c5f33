#include "os/handover.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "os/error.hpp"

namespace os {
namespace {

// 1;process=77;fd=5,8,1234,listen,/run/visits.sock;child=78;number=reloads,2
constexpr std::string_view version = "1";

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '/' ||
         c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%%%02x", static_cast<unsigned>(c) & 0xffU);
    out += is_plain(c) ? std::string(1, c) : hex.data();
  }
  return out;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, value, base);
  if (text.empty() || error != std::errc{} || end != past) return std::nullopt;
  return value;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (is_plain(text.front())) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto byte = number<unsigned char>(text.substr(1, 2), 16);
    if (text.front() != '%' || text.size() < 3 || !byte) return std::nullopt;
    out += static_cast<char>(*byte);
    text.remove_prefix(3);
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (auto at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

std::optional<std::string_view> after(std::string_view label, std::string_view text) {
  if (!text.starts_with(label)) return std::nullopt;
  return text.substr(label.size());
}

std::optional<pid_t> process_after(std::string_view label, std::string_view text) {
  const auto digits = after(label, text);
  const auto pid = digits ? number<pid_t>(*digits) : std::nullopt;
  return pid && *pid > 0 ? pid : std::nullopt;
}

std::optional<std::pair<std::string, std::uint64_t>> number_of(std::string_view text) {
  const auto list = after("number=", text);
  const auto fields = split(list.value_or(""), ',');
  if (fields.size() != 2) return std::nullopt;
  auto name = decoded(fields[0]);
  const auto value = number<std::uint64_t>(fields[1]);
  if (!name || !value) return std::nullopt;
  return std::pair(std::move(*name), *value);
}

std::optional<Handover::Item> item_of(std::string_view text) {
  const auto list = after("fd=", text);
  const auto fields = split(list.value_or(""), ',');
  if (fields.size() != 5) return std::nullopt;
  const auto fd = number<int>(fields[0]);
  const auto device = number<dev_t>(fields[1]);
  const auto inode = number<ino_t>(fields[2]);
  auto name = decoded(fields[3]);
  auto note = decoded(fields[4]);
  if (!fd || *fd <= STDERR_FILENO || !device || !inode || !name || !note) return std::nullopt;
  return Handover::Item{std::move(*name), std::move(*note), *fd, *device, *inode};
}

}  // namespace

void Handover::give(std::string name, int fd, std::string note) {
  struct stat status {};
  if (fstat(fd, &status) == -1) fail("fstat of " + name);
  items_.push_back({std::move(name), std::move(note), fd, status.st_dev, status.st_ino});
}

std::optional<Handover::Item> Handover::withdraw(std::string_view name) {
  const Item* const found = find(name);
  if (found == nullptr) return std::nullopt;
  const Item item = *found;
  items_.erase(items_.begin() + (found - items_.data()));
  return item;
}

void Handover::annotate(std::string_view name, const std::string& note) {
  for (Item& item : items_) {
    if (item.name == name) item.note = note;
  }
}

const Handover::Item* Handover::find(std::string_view name) const {
  const auto found = std::find_if(items_.begin(), items_.end(),
                                  [name](const Item& item) { return item.name == name; });
  return found == items_.end() ? nullptr : &*found;
}

std::string Handover::text() const {
  std::string text = std::string(version) + ";process=" + std::to_string(process_);
  for (const Item& item : items_) {
    text += ";fd=" + std::to_string(item.fd) + "," + std::to_string(item.device) + "," +
            std::to_string(item.inode) + "," + encoded(item.name) + "," + encoded(item.note);
  }
  for (const pid_t child : children_) text += ";child=" + std::to_string(child);
  for (const auto& [name, value] : numbers_) {
    text += ";number=" + encoded(name) + "," + std::to_string(value);
  }
  return text;
}

std::optional<Handover> Handover::parse(std::string_view text) {
  const auto parts = split(text, ';');
  if (parts.size() < 2 || parts[0] != version) return std::nullopt;
  const auto process = process_after("process=", parts[1]);
  if (!process) return std::nullopt;
  Handover handover;
  handover.process_ = *process;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const auto child = process_after("child=", parts[i]);
    auto item = item_of(parts[i]);
    if (child) handover.children_.push_back(*child);
    if (item) handover.items_.push_back(std::move(*item));
    auto value = number_of(parts[i]);
    if (value) handover.numbers_.insert(std::move(*value));
    if (!child && !item && !value) return std::nullopt;
  }
  return handover;
}

std::optional<Handover> Handover::in_question() {
  const char* const text = getenv(question);
  if (text == nullptr) return std::nullopt;
  auto handover = parse(text);
  if (!handover) {
    throw std::runtime_error("this program cannot take over from the one that runs: it does not " +
                             std::string("understand what that hands over; stop that, start this"));
  }
  return handover;
}

void Handover::exec(const std::string& program, const std::vector<std::string>& words) const {
  become([&] { return execv(program.c_str(), exec_arguments(words).data()); }, program);
}

void Handover::exec(int program, const std::vector<std::string>& words) const {
  become([&] { return fexecve(program, exec_arguments(words).data(), environ); },
         "the program before");
}

void Handover::become(const std::function<int()>& exec, const std::string& what) const {
  keep_open(true);
  setenv(variable, text().c_str(), 1);
  exec();
  const int error = errno;
  unsetenv(variable);
  keep_open(false);
  errno = error;
  fail("exec " + what);
}

void Handover::keep_open(bool over_exec) const {
  for (const Item& item : items_) fcntl(item.fd, F_SETFD, over_exec ? 0 : FD_CLOEXEC);
}

std::vector<char*> exec_arguments(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

}  // namespace os
