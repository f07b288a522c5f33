#pragma once

#include <string>
#include <string_view>

namespace visits::view {

// What clients sent, made fit for every page: control characters and bytes that are not UTF-8
// become U+FFFD each.
std::string printable(std::string_view text);

// Of printable text: as it stands in a string of JSON, as PHP writes it (`\/`) …
std::string json_escaped(std::string_view text);

// … in XML or HTML, between tags or in an attribute …
std::string markup_escaped(std::string_view text);

// … and in a label of OpenMetrics, or in its HELP.
std::string label_escaped(std::string_view text);

}  // namespace visits::view
