#include "support/records.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

#include "os/retry.hpp"

namespace support {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t most_content = 65535;
constexpr int patience = 10000;  // ms

char low(std::size_t number) { return static_cast<char>(number & 0xff); }

std::string length(std::size_t size) {
  if (size < 128) return {low(size)};
  return {low(size >> 24U | 0x80U), low(size >> 16U), low(size >> 8U), low(size)};
}

std::string stream(Type type, const std::string& content) {
  std::string records;
  for (std::size_t at = 0; at < content.size(); at += most_content) {
    records += record(type, content.substr(at, most_content));
  }
  return records + record(type, "");
}

// Up to `size` bytes; fewer at the end of the connection.
std::string read_from(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, patience) <= 0) throw std::runtime_error("no byte in ten seconds");
    const ssize_t count = recv(fd, bytes.data() + got, size - got, 0);
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

std::size_t byte(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

}  // namespace

std::string record(Type type, const std::string& content) {
  const std::size_t size = content.size();
  return std::string{1, low(static_cast<std::size_t>(type)), 0, 1, low(size >> 8U), low(size), 0,
                     0} +
         content;
}

std::string begin(KeepConnection keep, Role role) {
  const char flags = keep == KeepConnection::yes ? 1 : 0;
  return record(Type::begin, {0, low(static_cast<std::size_t>(role)), flags, 0, 0, 0, 0, 0});
}

std::string pair(const std::string& name, const std::string& value) {
  return length(name.size()) + length(value.size()) + name + value;
}

std::string params(const Parameters& parameters) {
  std::string content;
  for (const auto& [name, value] : parameters) content += pair(name, value);
  return stream(Type::params, content);
}

std::string in(const std::string& body) { return stream(Type::in, body); }

std::string get(const std::string& target, KeepConnection keep) {
  return begin(keep) + params({{"REQUEST_METHOD", "GET"}, {"REQUEST_URI", target}}) + in("");
}

void send(int fd, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = os::retry(
        [&] { return ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL); });
    if (count == -1) throw std::runtime_error("send");
    sent += static_cast<std::size_t>(count);
  }
}

std::optional<std::string> answer_on(int fd) try {
  std::string out;
  for (;;) {
    const std::string header = read_from(fd, header_size);
    if (header.size() < header_size) return std::nullopt;
    const auto type = static_cast<Type>(byte(header, 1));
    const std::size_t size = byte(header, 4) << 8U | byte(header, 5);
    const std::string content = read_from(fd, size + byte(header, 6)).substr(0, size);
    if (type == Type::end) return out;
    if (type == Type::out) out += content;
  }
} catch (const std::runtime_error&) {
  return std::nullopt;
}

bool ends(int fd) try { return read_from(fd, 1).empty(); } catch (const std::runtime_error&) {
  return false;
}

}  // namespace support
