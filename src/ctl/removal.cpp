#include "ctl/removal.hpp"

#include <algorithm>
#include <optional>

#include "ctl/census.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"

namespace ctl {
namespace {

template <class Entry>
std::optional<Entry> entry_of(const std::vector<Entry>& entries, sysv::Key key) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.object.key == key; });
  if (found == entries.end()) return std::nullopt;
  return *found;
}

// What is there, of what was asked for.
struct Victims {
  std::optional<SegmentEntry> segment;
  std::optional<SetEntry> set;
  std::optional<QueueEntry> queue;

  bool any() const { return segment || set || queue; }
};

Victims victims_of(const Arguments& arguments, sysv::Key key) {
  const bool all =
      !arguments.has("--segment") && !arguments.has("--semaphore") && !arguments.has("--queue");
  const Census now = census();
  Victims victims;
  if (all || arguments.has("--segment")) victims.segment = entry_of(now.segments, key);
  if (all || arguments.has("--semaphore")) victims.set = entry_of(now.sets, key);
  if (all || arguments.has("--queue")) victims.queue = entry_of(now.queues, key);
  return victims;
}

std::string owner_of(const Object& object) { return " of " + name_of_user(object.uid); }

std::string list_of(const Victims& victims) {
  std::string list;
  const auto add = [&](const std::string& what) { list += (list.empty() ? "" : ", ") + what; };
  if (const auto& segment = victims.segment) {
    add("the segment" + owner_of(segment->object) + " (" + std::to_string(segment->size) +
        " bytes, attached " + std::to_string(segment->attached) + " times)");
  }
  if (victims.set) add("the semaphore set" + owner_of(victims.set->object));
  if (const auto& queue = victims.queue) {
    add("the queue" + owner_of(queue->object) + " with " + std::to_string(queue->messages) +
        " messages");
  }
  return list;
}

bool remove_queue(sysv::Key key) {
  const auto queue = sysv::Queue::open(key);
  if (queue) queue->remove();
  return queue.has_value();
}

}  // namespace

Exit rm(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const Victims victims = victims_of(arguments, key);
  if (!victims.any())
    throw Failure(Exit::no, "there is nothing of that kind at key " + text_of(key));
  console.require_consent(arguments, "destroy at key " + text_of(key) + " " + list_of(victims));
  const bool segment = victims.segment && sysv::Segment::remove(key);
  const bool set = victims.set && sysv::Semaphore::remove(key);
  const bool queue = victims.queue && remove_queue(key);
  console.tell(
      arguments,
      sysv::Array{
          {"key", text_of(key)}, {"segment", segment}, {"semaphore", set}, {"queue", queue}},
      {});
  return Exit::done;
}

}  // namespace ctl
