#include "visits/view/xml.hpp"

#include <algorithm>
#include <string_view>

#include "visits/view/escape.hpp"
#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

std::string element(const Field& field) {
  std::string tag(field.name);
  std::replace(tag.begin(), tag.end(), ' ', '-');
  return "<" + tag + ">" + markup_escaped(field.value) + "</" + tag + ">";
}

std::string elements(const std::vector<Field>& fields, std::string_view separator) {
  std::string elements;
  for (const Field& field : fields) elements.append(element(field)).append(separator);
  return elements;
}

}  // namespace

std::string xml(const Snapshot& snapshot, Detail detail) {
  std::string page = "<?xml version=\"1.0\" ?>\n<status>\n";
  page.append(elements(fields_of(snapshot, Times::seconds), "\n"));
  if (detail == Detail::pool) return page + "</status>";
  page.append("<processes>\n");
  for (const Process& process : snapshot.processes) {
    const auto fields = fields_of(process, snapshot, Times::seconds);
    page.append("<process>").append(elements(fields, "")).append("</process>\n");
  }
  return page + "</processes>\n</status>";
}

}  // namespace visits::view
