#include "ctl/table.hpp"

#include <algorithm>

namespace ctl {
namespace {

bool goes_on(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !goes_on(byte); }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-0123456789") == std::string::npos;
}

std::size_t width_of(const std::vector<std::vector<std::string>>& rows, std::size_t column) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, width_of(row[column]));
  return width;
}

// By the rows under the heading: one that is empty does not count.
bool is_of_numbers(const std::vector<std::vector<std::string>>& rows, std::size_t column) {
  return std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) {
    return row[column].empty() || row[column] == "-" || is_number(row[column]);
  });
}

struct Column {
  std::size_t width;
  bool is_of_numbers;
};

std::string line_of(const std::vector<std::string>& row, const std::vector<Column>& columns) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string blanks(columns[i].width - width_of(row[i]), ' ');
    if (i > 0) line += "  ";
    line += columns[i].is_of_numbers ? blanks + row[i] : row[i] + blanks;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string Table::text() const {
  std::vector<Column> columns;
  for (std::size_t i = 0; i < rows_.front().size(); ++i) {
    columns.push_back({width_of(rows_, i), is_of_numbers(rows_, i)});
  }
  std::string text;
  for (const auto& row : rows_) text += line_of(row, columns) + "\n";
  return text;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (width_of(text) <= most) return text;
  std::size_t end = 0;
  for (std::size_t left = most; end < text.size(); ++end) {
    if (!goes_on(text[end]) && left-- == 1) break;
  }
  return text.substr(0, end) + "…";
}

}  // namespace ctl
