#include "ctl/watch.hpp"

#include "ctl/access.hpp"
#include "ctl/description.hpp"
#include "ctl/json.hpp"

namespace ctl {
namespace {

using namespace std::chrono_literals;
using sysv::Array;
using sysv::Value;

Value value_or_bytes(const std::string& text) {
  Array document;
  describe(document, text);
  return document.elements().front().value;
}

Value document_of(const Change& change) {
  Array document{{"variable", change.variable}};
  document.set("event", change.after ? (change.before ? "changed" : "new") : "removed");
  if (change.before) document.set("before", value_or_bytes(*change.before));
  if (change.after) describe(document, *change.after);
  return document;
}

std::string line_of(const Change& change) {
  const std::string variable = std::to_string(change.variable) + ": ";
  if (!change.after) return variable + "removed, was " + shown(*change.before);
  if (!change.before) return variable + shown(*change.after);
  return variable + shown(*change.before) + " -> " + shown(*change.after);
}

// None: there is no segment, or none that could be read; a writer may be at work.
std::optional<Sight> look(sysv::Key key, const std::optional<std::int64_t>& only) {
  const auto segment = sysv::Segment::open_to_read(key);
  if (!segment) return std::nullopt;
  const sysv::Diagnosis diagnosis = patient_diagnosis(*segment);
  if (!diagnosis.is_table) return std::nullopt;
  Sight sight;
  for (const sysv::Variable& variable : diagnosis.variables) {
    if (!only || *only == variable.key) sight.emplace(variable.key, variable.text);
  }
  return sight;
}

void tell(const Arguments& arguments, const Console& console, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    console.tell_line(arguments.has("--json") ? to_json(document_of(change)) : line_of(change));
  }
}

}  // namespace

std::vector<Change> changes(const Sight& before, const Sight& after) {
  std::vector<Change> found;
  for (const auto& [variable, text] : before) {
    const auto now = after.find(variable);
    if (now == after.end()) {
      found.push_back({variable, text, std::nullopt});
    } else if (now->second != text) {
      found.push_back({variable, text, now->second});
    }
  }
  for (const auto& [variable, text] : after) {
    if (!before.contains(variable)) found.push_back({variable, std::nullopt, text});
  }
  return found;
}

Exit watch(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const auto pause =
      arguments.value("--interval") ? seconds_in(*arguments.value("--interval")) : 500ms;
  std::optional<std::int64_t> only;
  if (arguments.operands() > 1) only = variable_in(arguments.operand(1));
  (void)segment_to_read(key);
  Sight last;
  do {
    const Sight now = look(key, only).value_or(Sight());
    tell(arguments, console, changes(last, now));
    last = now;
  } while (!console.interrupted(std::max(pause, 1ms)));
  return Exit::done;
}

}  // namespace ctl
