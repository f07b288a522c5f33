#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/request.hpp"

namespace visits {

// What a request is, as much as a status page shows of it. A worker leaves it on the scoreboard, in
// bytes, for whoever reads there.
struct Activity {
  std::string_view method{};  // "GET"
  std::string_view uri{};     // "/a/b", without the query
  std::string_view query{};   // "x=1"
  std::string_view user{};
  std::string_view script{};
  std::string_view remote{};  // the client's address
  std::uint64_t content_length = 0;
};

// As the web server tells it (REMOTE_USER, SCRIPT_FILENAME, REMOTE_ADDR, CONTENT_LENGTH). Views
// into the request.
Activity activity_of(const http::Request& request);

// Room for the longest: method 16 bytes, URI 256, query 384, user 32, script 256, remote address
// 46. What is longer is cut, and never inside of a UTF-8 character.
using ActivityBytes = std::array<std::byte, 1010>;

// Copies and nothing else: no allocation. The result is the part of `into` that was written.
std::span<const std::byte> encode(const Activity& activity, ActivityBytes& into) noexcept;

// Views into `bytes`. Absent: these are not bytes that encode() wrote.
std::optional<Activity> decode(std::span<const std::byte> bytes) noexcept;

}  // namespace visits
