#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace support {

// The web server's side of FastCGI, from its specification and not from libfcgi.

enum class KeepConnection { no, yes };
enum class Role { responder = 1, authorizer = 2, filter = 3 };
using Parameters = std::vector<std::pair<std::string, std::string>>;

// One record: header and content, at most 65535 bytes. Types are the specification's.
enum class Type { begin = 1, abort = 2, end = 3, params = 4, in = 5, out = 6, err = 7 };
std::string record(Type type, const std::string& content);

std::string begin(KeepConnection keep, Role role = Role::responder);
std::string pair(const std::string& name, const std::string& value);  // as PARAMS content
std::string params(const Parameters& parameters);                     // the stream, with its end
std::string in(const std::string& body);                              // the stream, with its end

// A whole GET of `target`.
std::string get(const std::string& target, KeepConnection keep = KeepConnection::yes);

void send(int fd, const std::string& bytes);

// All STDOUT of the next answer; none if the connection ends before the answer does, or ten
// seconds pass.
std::optional<std::string> answer_on(int fd);

// Whether the peer closes the connection, without another byte, within ten seconds.
bool ends(int fd);

}  // namespace support
