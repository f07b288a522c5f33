#include "visits/view/json.hpp"

#include <string_view>

#include "visits/view/escape.hpp"
#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

// Without the brace at the end.
std::string members(const std::vector<Field>& fields) {
  std::string members;
  for (const Field& field : fields) {
    members.append(members.empty() ? "{\"" : ",\"").append(field.name).append("\":");
    if (field.kind == Field::Kind::text) {
      members.append("\"").append(json_escaped(field.value)).append("\"");
    } else {
      members.append(field.value);
    }
  }
  return members;
}

}  // namespace

std::string json(const Snapshot& snapshot, Detail detail) {
  std::string page = members(fields_of(snapshot, Times::seconds));
  if (detail == Detail::pool) return page + "}";
  page.append(", \"processes\":[");
  std::string_view separator;
  for (const Process& process : snapshot.processes) {
    page.append(separator)
        .append(members(fields_of(process, snapshot, Times::seconds)))
        .append("}");
    separator = ",";
  }
  return page + "]}";
}

}  // namespace visits::view
