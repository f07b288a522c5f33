#include "visits/view/json.hpp"

#include <span>
#include <string_view>
#include <utility>

#include "visits/view/escape.hpp"
#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

// Without the brace at the end.
void add_members(std::string& page, std::span<const Field> fields) {
  std::string_view begin = "{\"";
  for (const Field& field : fields) {
    page.append(std::exchange(begin, ",\"")).append(field.name).append("\":");
    if (field.kind == Field::Kind::text) {
      page.append("\"").append(json_escaped(field.value)).append("\"");
    } else {
      page.append(field.value);
    }
  }
}

}  // namespace

std::string json(const Snapshot& snapshot, Detail detail) {
  std::string page;
  add_members(page, fields_of(snapshot, Times::seconds));
  if (detail == Detail::pool) return page + "}";
  page.append(", \"processes\":[");
  std::string_view separator;
  for (const Process& process : snapshot.processes) {
    page.append(separator);
    add_members(page, fields_of(process, snapshot, Times::seconds));
    page.append("}");
    separator = ",";
  }
  return page + "]}";
}

}  // namespace visits::view
