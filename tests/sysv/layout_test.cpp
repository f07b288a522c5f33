#include "sysv/layout.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "paths.hpp"
#include "support/catch.hpp"

namespace layout = sysv::layout;

namespace {

std::string format_document() {
  std::ifstream file(REPOSITORY "/src/sysv/FORMAT.md");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string row(std::size_t offset, const std::string& name) {
  return "\n| " + std::to_string(offset) + " | `" + name + "` |";
}

}  // namespace

TEST_CASE("FORMAT.md has every offset as the code has it") {
  const std::string text = format_document();
  CHECK_THAT(text, support::contains(row(layout::header::magic, "magic")));
  CHECK_THAT(text, support::contains(row(layout::header::start, "start")));
  CHECK_THAT(text, support::contains(row(layout::header::end, "end")));
  CHECK_THAT(text, support::contains(row(layout::header::free, "free")));
  CHECK_THAT(text, support::contains(row(layout::header::total, "total")));
  CHECK_THAT(text, support::contains(row(layout::chunk::key, "key")));
  CHECK_THAT(text, support::contains(row(layout::chunk::length, "length")));
  CHECK_THAT(text, support::contains(row(layout::chunk::next, "next")));
  CHECK_THAT(text, support::contains(row(layout::chunk::text, "text")));
  CHECK_THAT(text, support::contains(row(layout::own::magic, "magic")));
  CHECK_THAT(text, support::contains(row(layout::own::version, "version")));
  CHECK_THAT(text, support::contains(row(layout::own::generation, "generation")));
  CHECK_THAT(text, support::contains(row(layout::own::journal, "journal")));
  CHECK_THAT(text, support::contains("\n| " + std::to_string(layout::own::size) + " | |"));
  CHECK_THAT(text, support::contains("(" + std::to_string(layout::filler_key).replace(0, 1, "−")));
}
