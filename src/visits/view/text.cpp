#include "visits/view/text.hpp"

#include <string_view>

#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

constexpr std::size_t width = 22;  // of the names

std::string lines(const std::vector<Field>& fields) {
  std::string lines;
  for (const Field& field : fields) {
    std::string name(field.name == "request uri" ? "request URI" : field.name);
    name.append(":").resize(width, ' ');
    lines.append(name).append(field.value).append("\n");
  }
  return lines;
}

}  // namespace

std::string text(const Snapshot& snapshot, Detail detail) {
  std::string page = lines(fields_of(snapshot, Times::dates));
  if (detail == Detail::pool) return page;
  for (const Process& process : snapshot.processes) {
    page.append("\n************************\n");
    page.append(lines(fields_of(process, snapshot, Times::dates)));
  }
  return page;
}

}  // namespace visits::view
