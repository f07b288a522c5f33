#pragma once

#include <string>
#include <vector>

namespace ctl {

// Rows under a heading, in columns as wide as their longest cell. Numbers stand to the right. What
// is not ASCII may shift a line: bytes of UTF-8 that go on with a character are not counted, and
// all others are taken for one column.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}

  // REQUIRES: as many cells as the heading has.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  bool is_empty() const { return rows_.size() == 1; }

  // Lines without blanks at their ends.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// A text that is no longer than `most` columns, its end given up for "…" if need be.
std::string shortened(const std::string& text, std::size_t most);

}  // namespace ctl
