#pragma once

#include <string>
#include <string_view>

namespace os {

enum class Level { debug, notice, warning, error };

// Writes one line to stderr in php-fpm's form, `[23-Nov-2026 08:33:57] NOTICE: text`, with a
// single write(2), so that lines of several processes never mix. Control bytes in the text
// appear as \xNN: a line stays a line. Never throws; a full or closed stderr loses the line.
void log(Level level, std::string_view text) noexcept;

// The line that log() writes, without its time.
std::string line_of(Level level, std::string_view text);

}  // namespace os
