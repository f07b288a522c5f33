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

void add_cell(std::string& page, std::string_view tag, std::string_view text) {
  page.append("<").append(tag).append(">").append(text).append("</").append(tag).append(">");
}

void add_pool_table(std::string& page, const Snapshot& snapshot) {
  page.append("<table>\n");
  for (const Field& field : fields_of(snapshot, Times::dates)) {
    page.append("<tr>");
    add_cell(page, "th", field.name);
    add_cell(page, "td", markup_escaped(field.value));
    page.append("</tr>\n");
  }
  page.append("</table>\n");
}

void add_process_table(std::string& page, const Snapshot& snapshot) {
  page.append("<table border=\"1\">\n<tr>");
  for (const Field& field : fields_of(Process{}, snapshot, Times::dates)) {
    add_cell(page, "th", field.name);
  }
  page.append("</tr>\n");
  for (const Process& process : snapshot.processes) {
    page.append("<tr>");
    for (const Field& field : fields_of(process, snapshot, Times::dates)) {
      add_cell(page, "td", markup_escaped(field.value));
    }
    page.append("</tr>\n");
  }
  page.append("</table>");
}

}  // namespace

std::string html(const Snapshot& snapshot, Detail detail) {
  std::string page(head);
  add_pool_table(page, snapshot);
  if (detail == Detail::full) add_process_table(page, snapshot);
  return page + "</body></html>";
}

}  // namespace visits::view
