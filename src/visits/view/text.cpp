#include "visits/view/text.hpp"

#include <span>
#include <string_view>

#include "visits/view/fields.hpp"

namespace visits::view {
namespace {

constexpr std::size_t width = 22;  // of the names

void add_lines(std::string& page, std::span<const Field> fields) {
  for (const Field& field : fields) {
    const std::string_view name = field.name == "request uri" ? "request URI" : field.name;
    page.append(name).append(":").append(width - 1 - name.size(), ' ');
    page.append(field.value).append("\n");
  }
}

}  // namespace

std::string text(const Snapshot& snapshot, Detail detail) {
  std::string page;
  add_lines(page, fields_of(snapshot, Times::dates));
  if (detail == Detail::pool) return page;
  for (const Process& process : snapshot.processes) {
    page.append("\n************************\n");
    add_lines(page, fields_of(process, snapshot, Times::dates));
  }
  return page;
}

}  // namespace visits::view
