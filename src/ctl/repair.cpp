#include "ctl/repair.hpp"

#include <chrono>
#include <filesystem>
#include <ostream>

#include "ctl/access.hpp"
#include "ctl/backup.hpp"
#include "ctl/description.hpp"
#include "sysv/layout.hpp"

namespace ctl {
namespace {

using sysv::Array;
using sysv::Diagnosis;
using sysv::Value;

std::string reason(const Diagnosis& diagnosis) {
  return diagnosis.findings.empty() ? std::string() : diagnosis.findings.front().what;
}

void require_repairable(sysv::Key key, const Diagnosis& diagnosis) {
  if (diagnosis.is_repairable) return;
  throw Failure(Exit::data,
                "the segment of key " + text_of(key) + " was left as it is: " + reason(diagnosis));
}

std::string list_of(const Diagnosis& diagnosis) {
  std::string list;
  for (const sysv::Finding& finding : diagnosis.findings) {
    list += (list.empty() ? "" : "; ") + finding.what;
  }
  return list;
}

std::string file_for(const Arguments& arguments, sysv::Key key) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto named = arguments.value("--backup");
  return std::filesystem::absolute(named ? *named
                                         : backup_name(key, now.time_since_epoch().count()))
      .string();
}

// What updates left over. Each removal is one change, done or not done.
void give_back_room(std::span<std::byte> bytes) try {
  sysv::Variables variables(bytes);
  while (variables.remove(sysv::layout::filler_key)) {
  }
} catch (const sysv::Damaged&) {
  // At odd offsets, so not written by PHP or by us: it can be read, and not changed.
}

// The backup is on disk, and its name said, before the first change: whoever ends this half-way has
// it, and can repair again what is there by then.
void mend(const Console& console, sysv::Key key, const sysv::Segment& segment,
          const std::string& file) {
  const auto bytes = snapshot(segment);
  const Diagnosis diagnosis = sysv::diagnosis_of(bytes);
  require_repairable(key, diagnosis);
  write_backup(file, bytes);
  console.err << "The bytes as they were: " << file << std::endl;
  sysv::mend(segment.bytes(), diagnosis);
  give_back_room(segment.bytes());
}

void tell(const Arguments& arguments, const Console& console, sysv::Key key, const Diagnosis& now,
          const std::string& file) {
  const std::string count = std::to_string(now.variables.size()) + " variables";
  const std::string left =
      now.is_sound() ? "" : "Left, and not to be mended: " + list_of(now) + "\n";
  console.tell(arguments,
               Array{{"key", text_of(key)},
                     {"repaired", !file.empty()},
                     {"backup", file.empty() ? Value() : Value(file)},
                     {"sound", now.is_sound()},
                     {"variables", number(now.variables.size())},
                     {"left", now.is_sound() ? Value() : Value(list_of(now))}},
               (file.empty() ? "Nothing to repair, " : "Repaired, ") + count + "\n" + left);
}

}  // namespace

Exit repair(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const sysv::Segment segment = segment_to_write(key);
  const Diagnosis before = patient_diagnosis(segment);
  require_repairable(key, before);
  if (before.findings.empty()) {
    tell(arguments, console, key, before, {});
    return Exit::done;
  }
  const std::string file = file_for(arguments, key);
  console.require_consent(arguments, "mend the table of key " + text_of(key) + ", of which " +
                                         std::to_string(before.variables.size()) +
                                         " variables can be saved, after a backup to " + file +
                                         " (" + list_of(before) + ")");
  under_lock(arguments, key, [&] { mend(console, key, segment, file); });
  const Diagnosis after = patient_diagnosis(segment);
  tell(arguments, console, key, after, file);
  return after.is_sound() ? Exit::done : Exit::no;
}

}  // namespace ctl
