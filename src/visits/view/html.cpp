#include "visits/view/html.hpp"

#include <string_view>

#include "visits/view/escape.hpp"
#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

constexpr std::string_view head =
    "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" "
    "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n"
    "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n"
    "<head><title>PHP-FPM Status Page</title></head>\n"
    "<body>\n";

std::string cell(std::string_view tag, std::string_view text) {
  std::string cell("<");
  cell.append(tag).append(">").append(markup_escaped(text));
  return cell.append("</").append(tag).append(">");
}

std::string pool_table(const Snapshot& snapshot) {
  std::string table = "<table>\n";
  for (const Field& field : fields_of(snapshot, Times::dates)) {
    table.append("<tr>").append(cell("th", field.name)).append(cell("td", field.value));
    table.append("</tr>\n");
  }
  return table + "</table>\n";
}

std::string process_table(const Snapshot& snapshot) {
  std::string table = "<table border=\"1\">\n<tr>";
  for (const Field& field : fields_of(Process{}, snapshot, Times::dates)) {
    table.append(cell("th", field.name));
  }
  table.append("</tr>\n");
  for (const Process& process : snapshot.processes) {
    table.append("<tr>");
    for (const Field& field : fields_of(process, snapshot, Times::dates)) {
      table.append(cell("td", field.value));
    }
    table.append("</tr>\n");
  }
  return table + "</table>";
}

}  // namespace

std::string html(const Snapshot& snapshot, Detail detail) {
  std::string page(head);
  page.append(pool_table(snapshot));
  if (detail == Detail::full) page.append(process_table(snapshot));
  return page + "</body></html>";
}

}  // namespace visits::view
