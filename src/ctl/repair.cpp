#include "ctl/repair.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "ctl/access.hpp"
#include "ctl/backup.hpp"
#include "ctl/description.hpp"

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

void rewrite(sysv::Key key, const sysv::Segment& segment, const std::string& file) {
  const auto bytes = snapshot(segment);
  require_repairable(key, sysv::diagnosis_of(bytes));
  const auto image = sysv::repaired(bytes);
  if (!image) {
    throw Failure(Exit::unavailable, "the segment of key " + text_of(key) +
                                         " has no room for its own variables as PHP places them");
  }
  write_backup(file, bytes);
  std::copy(image->begin(), image->end(), segment.bytes().begin());
}

void tell(const Arguments& arguments, const Console& console, sysv::Key key, const Diagnosis& now,
          const std::string& file) {
  const std::string count = std::to_string(now.variables.size()) + " variables";
  const std::string saved = file.empty() ? "" : "The bytes as they were: " + file + "\n";
  const std::string left =
      now.is_sound() ? "" : "Left, and not to be mended: " + list_of(now) + "\n";
  console.tell(arguments,
               Array{{"key", text_of(key)},
                     {"repaired", !file.empty()},
                     {"backup", file.empty() ? Value() : Value(file)},
                     {"sound", now.is_sound()},
                     {"variables", number(now.variables.size())},
                     {"left", now.is_sound() ? Value() : Value(list_of(now))}},
               (file.empty() ? "Nothing to repair, " : "Repaired, ") + count + "\n" + saved + left);
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
  console.require_consent(arguments, "rewrite the table of key " + text_of(key) + " with the " +
                                         std::to_string(before.variables.size()) +
                                         " variables that can be saved, after a backup to " + file +
                                         " (" + list_of(before) + ")");
  under_lock(arguments, key, [&] { rewrite(key, segment, file); });
  const Diagnosis after = patient_diagnosis(segment);
  tell(arguments, console, key, after, file);
  return after.is_sound() ? Exit::done : Exit::no;
}

}  // namespace ctl
