#include "visits/view/xml.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "visits/view/escape.hpp"
#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

void add_tag(std::string& page, std::string_view begin, std::string_view name) {
  page.append(begin);
  const auto at = static_cast<std::ptrdiff_t>(page.size());
  page.append(name);
  std::replace(page.begin() + at, page.end(), ' ', '-');
  page.append(">");
}

void add_elements(std::string& page, std::span<const Field> fields, std::string_view separator) {
  for (const Field& field : fields) {
    add_tag(page, "<", field.name);
    page.append(markup_escaped(field.value));
    add_tag(page, "</", field.name);
    page.append(separator);
  }
}

}  // namespace

std::string xml(const Snapshot& snapshot, Detail detail) {
  std::string page = "<?xml version=\"1.0\" ?>\n<status>\n";
  add_elements(page, fields_of(snapshot, Times::seconds), "\n");
  if (detail == Detail::pool) return page + "</status>";
  page.append("<processes>\n");
  for (const Process& process : snapshot.processes) {
    page.append("<process>");
    add_elements(page, fields_of(process, snapshot, Times::seconds), "");
    page.append("</process>\n");
  }
  return page + "</processes>\n</status>";
}

}  // namespace visits::view
