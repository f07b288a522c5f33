#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/error.hpp"
#include "sysv/key.hpp"

// What a directive's value means, and back: reading what was written gives the same value. What
// cannot be meant is a ConfigError that says what would be right, without the directive's name.
namespace cli {

// In decimal, or after 0x in hexadecimal.
std::int64_t whole_number(std::string_view text, std::int64_t least, std::int64_t most);

// Permission bits in octal, 0 to 0777.
mode_t permissions(std::string_view text);
std::string octal(mode_t bits);

// "90" and "90s", "5m", "2h", "1d", or milliseconds as "500ms"; at most a year.
std::chrono::milliseconds duration(std::string_view text);
std::string text_of(std::chrono::milliseconds time);

// Bytes: "65536", "64k", "1M" or "1G".
std::uint64_t size(std::string_view text, std::uint64_t least, std::uint64_t most);

// A limit of setrlimit(2): a number or "unlimited".
std::uint64_t limit(std::string_view text);
std::string text_of_limit(std::uint64_t limit);

// As php-fpm takes them: 1, yes, on, true and 0, no, off, false, in any case; nothing is no.
bool boolean(std::string_view text);

// A number of 32 bits but 0; without a sign at most 0x7fffffff, so ipcs(1)'s form of a negative one
// is none.
sysv::Key key(std::string_view text);
std::string text_of_key(sysv::Key key);

// What stands between commas, without the blanks around it.
std::vector<std::string> list(std::string_view text);

// A path on which a page is answered: "" for none, or / and [A-Za-z0-9/_.~-].
std::string page(const std::string& text);

// One of those words; the error lists them.
std::string one_of(const std::vector<std::string>& words, const std::string& text);

}  // namespace cli
