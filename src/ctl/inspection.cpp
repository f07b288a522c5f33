#include "ctl/inspection.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "ctl/access.hpp"
#include "ctl/census.hpp"
#include "ctl/description.hpp"
#include "ctl/table.hpp"
#include "sysv/queue.hpp"
#include "sysv/semaphore.hpp"

namespace ctl {
namespace {

using sysv::Array;
using sysv::Value;

constexpr std::int64_t members_of_php = 3;

// Whether PHP's header is there; none where one may not look.
std::optional<bool> is_table(const SegmentEntry& entry) {
  try {
    const auto segment = sysv::Segment::open_to_read(entry.object.key, entry.object.id);
    return segment && sysv::header_in(segment->bytes()).has_value();
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

Value or_null(std::optional<bool> truth) { return truth ? Value(*truth) : Value(); }

std::string yes_or_no(std::optional<bool> truth) {
  if (!truth) return "?";
  return *truth ? "yes" : "no";
}

Array document_of(const Object& object) {
  return {{"key", text_of(object.key)},        {"id", number(object.id)},
          {"owner", name_of_user(object.uid)}, {"uid", number(object.uid)},
          {"gid", number(object.gid)},         {"mode", text_of_mode(object.mode)}};
}

std::vector<std::string> cells_of(const Object& object) {
  return {text_of(object.key), std::to_string(object.id), name_of_user(object.uid),
          text_of_mode(object.mode)};
}

std::vector<std::string> joined(std::vector<std::string> cells, std::vector<std::string> more) {
  cells.insert(cells.end(), more.begin(), more.end());
  return cells;
}

// What is listed of one family: for a program and for a person.
struct Listing {
  std::vector<Value> documents;
  Table table;
};

Listing listing_of(const std::vector<SegmentEntry>& segments) {
  Listing listing{
      {},
      Table({"KEY", "ID", "OWNER", "MODE", "BYTES", "ATTACHED", "CREATOR", "LAST", "PHP TABLE"})};
  for (const SegmentEntry& entry : segments) {
    const auto table = is_table(entry);
    Array document = document_of(entry.object);
    document.set("size", entry.size);
    document.set("attached", entry.attached);
    document.set("creator", number(entry.creator));
    document.set("last", number(entry.last));
    document.set("php_table", or_null(table));
    listing.documents.emplace_back(std::move(document));
    listing.table.add(
        joined(cells_of(entry.object),
               {std::to_string(entry.size), std::to_string(entry.attached),
                std::to_string(entry.creator), std::to_string(entry.last), yes_or_no(table)}));
  }
  return listing;
}

Listing listing_of(const std::vector<SetEntry>& sets) {
  Listing listing{{}, Table({"KEY", "ID", "OWNER", "MODE", "MEMBERS", "PHP SET"})};
  for (const SetEntry& entry : sets) {
    const bool of_php = entry.members == members_of_php;
    Array document = document_of(entry.object);
    document.set("members", entry.members);
    document.set("php_set", of_php);
    listing.documents.emplace_back(std::move(document));
    listing.table.add(
        joined(cells_of(entry.object), {std::to_string(entry.members), yes_or_no(of_php)}));
  }
  return listing;
}

Listing listing_of(const std::vector<QueueEntry>& queues) {
  Listing listing{
      {},
      Table({"KEY", "ID", "OWNER", "MODE", "MESSAGES", "BYTES", "LAST SENDER", "LAST RECEIVER"})};
  for (const QueueEntry& entry : queues) {
    Array document = document_of(entry.object);
    document.set("messages", entry.messages);
    document.set("bytes", entry.bytes);
    document.set("last_sender", number(entry.last_sender));
    document.set("last_receiver", number(entry.last_receiver));
    listing.documents.emplace_back(std::move(document));
    listing.table.add(
        joined(cells_of(entry.object),
               {std::to_string(entry.messages), std::to_string(entry.bytes),
                std::to_string(entry.last_sender), std::to_string(entry.last_receiver)}));
  }
  return listing;
}

std::string section(const std::string& title, const Table& table) {
  return title + (table.is_empty() ? ": none\n" : "\n" + table.text());
}

// One part of what `show` shows; no document: there is no such object.
struct Part {
  Value document;
  std::string text;
};

template <class Entry>
const Entry* entry_of(const std::vector<Entry>& entries, int id) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.object.id == id; });
  return found == entries.end() ? nullptr : &*found;
}

std::string summary_of(const Object& object) {
  return " " + text_of(object.key) + ", id " + std::to_string(object.id) + ", of " +
         name_of_user(object.uid) + ", mode " + text_of_mode(object.mode);
}

void describe_header(Part& part, Array& document, const sysv::Header& header, std::size_t size) {
  document.set("start", header.start);
  document.set("end", header.end);
  document.set("free", header.free);
  document.set("total", header.total);
  document.set("generation", header.generation ? Value(*header.generation) : Value());
  part.text += "  start " + std::to_string(header.start) + ", end " + std::to_string(header.end) +
               ", free " + std::to_string(header.free) + ", total " + std::to_string(header.total) +
               " of " + std::to_string(size) + " bytes";
  part.text += header.generation
                   ? "; private area, generation " + std::to_string(*header.generation) + "\n"
                   : "; no private area\n";
}

void describe_variables(Part& part, Array& document, const sysv::Diagnosis& diagnosis) {
  constexpr std::size_t widest = 80;
  std::vector<Value> documents;
  Table table({"VARIABLE", "TYPE", "BYTES", "VALUE"});
  for (const sysv::Variable& variable : diagnosis.variables) {
    documents.push_back(ctl::document_of(variable));
    table.add({std::to_string(variable.key), type_of(variable.text),
               std::to_string(variable.text.size()), shortened(shown(variable.text), widest)});
  }
  document.set("sound", diagnosis.is_sound());
  document.set("variables", Array::list(std::move(documents)));
  if (!diagnosis.is_sound()) {
    part.text += "  NOT SOUND, see visitsctl ipc check: " + diagnosis.findings.front().what + "\n";
  }
  if (!table.is_empty()) part.text += table.text();
}

Part segment_part(sysv::Key key, const Census& census) {
  const auto segment = sysv::Segment::open_to_read(key);
  if (!segment) return {};
  const auto size = segment->bytes().size();
  Array document{{"id", number(segment->id())}, {"size", number(size)}};
  Part part{{}, "segment " + text_of(key)};
  if (const SegmentEntry* const entry = entry_of(census.segments, segment->id())) {
    document = document_of(entry->object);
    document.set("size", number(size));
    document.set("attached", entry->attached);
    part.text = "segment" + summary_of(entry->object) + ", attached " +
                std::to_string(entry->attached) + " times";
  }
  part.text += "\n";
  const auto header = sysv::header_in(snapshot(*segment));
  document.set("php_table", header.has_value());
  if (header) describe_header(part, document, *header, size);
  describe_variables(part, document, patient_diagnosis(*segment));
  part.document = std::move(document);
  return part;
}

Part semaphore_part(sysv::Key key) {
  const auto status = sysv::Semaphore::status(key);
  if (!status) return {};
  return {Array{{"id", number(status->id)},
                {"free", number(status->free_places)},
                {"handles", number(status->handles)},
                {"gate", number(status->gate)},
                {"last", number(status->last)},
                {"waiting", number(status->waiting)},
                {"waiting_at_gate", number(status->waiting_at_gate)}},
          "semaphore " + text_of(key) + ", id " + std::to_string(status->id) + "\n  " +
              std::to_string(status->free_places) + " free, " + std::to_string(status->handles) +
              " handles, gate " + (status->gate == 0 ? "open" : "closed") + ", last process " +
              std::to_string(status->last) + ", " + std::to_string(status->waiting) + " waiting, " +
              std::to_string(status->waiting_at_gate) + " waiting at the gate\n"};
}

Part queue_part(sysv::Key key) {
  const auto queue = sysv::Queue::open(key);
  if (!queue) return {};
  const auto status = queue->status();
  const auto time = [](std::chrono::sys_seconds when) {
    return number(when.time_since_epoch().count());
  };
  const auto mode = text_of_mode(static_cast<mode_t>(status.access));
  return {Array{{"id", number(queue->id())},
                {"owner", name_of_user(status.uid)},
                {"mode", mode},
                {"messages", number(status.messages)},
                {"capacity", number(status.capacity)},
                {"sent", time(status.sent)},
                {"received", time(status.received)},
                {"changed", time(status.changed)},
                {"last_sender", number(status.last_sender)},
                {"last_receiver", number(status.last_receiver)}},
          "queue " + text_of(key) + ", id " + std::to_string(queue->id()) + ", of " +
              name_of_user(status.uid) + ", mode " + mode + "\n  " +
              std::to_string(status.messages) + " messages, room for " +
              std::to_string(status.capacity) + " bytes, last sender " +
              std::to_string(status.last_sender) + ", last receiver " +
              std::to_string(status.last_receiver) + "\n"};
}

std::string line_of(const sysv::Finding& finding) {
  const bool note = finding.weight == sysv::Finding::Weight::note;
  return "  at " + std::to_string(finding.offset) + (note ? ", a note: " : ": ") + finding.what +
         "\n";
}

Value document_of(const sysv::Finding& finding) {
  const bool note = finding.weight == sysv::Finding::Weight::note;
  return Array{{"offset", number(finding.offset)},
               {"weight", note ? "note" : "damage"},
               {"what", finding.what}};
}

std::string verdict_on(const sysv::Diagnosis& diagnosis) {
  if (!diagnosis.is_table) return "no table of PHP's";
  return (diagnosis.is_sound() ? "sound, " : "NOT SOUND, ") +
         std::to_string(diagnosis.variables.size()) + " variables";
}

}  // namespace

Exit list(const Arguments& arguments, const Console& console) {
  const Census all = census();
  Listing segments = listing_of(all.segments);
  Listing sets = listing_of(all.sets);
  Listing queues = listing_of(all.queues);
  console.tell(arguments,
               Array{{"segments", Array::list(std::move(segments.documents))},
                     {"semaphores", Array::list(std::move(sets.documents))},
                     {"queues", Array::list(std::move(queues.documents))}},
               section("Segments", segments.table) + "\n" + section("Semaphore sets", sets.table) +
                   "\n" + section("Queues", queues.table));
  return Exit::done;
}

Exit show(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const Part segment = segment_part(key, census());
  const Part semaphore = semaphore_part(key);
  const Part queue = queue_part(key);
  const std::string text = segment.text + semaphore.text + queue.text;
  if (text.empty()) throw Failure(Exit::no, "there is nothing at key " + text_of(key));
  console.tell(arguments,
               Array{{"key", text_of(key)},
                     {"segment", segment.document},
                     {"semaphore", semaphore.document},
                     {"queue", queue.document}},
               text);
  return Exit::done;
}

Exit check(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const sysv::Diagnosis diagnosis = patient_diagnosis(segment_to_read(key));
  std::vector<Value> findings;
  std::string text = text_of(key) + ": " + verdict_on(diagnosis) + "\n";
  for (const sysv::Finding& finding : diagnosis.findings) {
    findings.push_back(document_of(finding));
    text += line_of(finding);
  }
  console.tell(arguments,
               Array{{"key", text_of(key)},
                     {"sound", diagnosis.is_sound()},
                     {"php_table", diagnosis.is_table},
                     {"repairable", diagnosis.is_repairable},
                     {"variables", number(diagnosis.variables.size())},
                     {"findings", Array::list(std::move(findings))}},
               text);
  if (diagnosis.is_sound()) return Exit::done;
  return diagnosis.is_table || diagnosis.is_repairable ? Exit::no : Exit::data;
}

}  // namespace ctl
