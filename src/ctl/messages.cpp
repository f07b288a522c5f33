#include "ctl/messages.hpp"

#include <algorithm>
#include <ostream>

#include "ctl/description.hpp"
#include "ctl/editing.hpp"
#include "ctl/json.hpp"

namespace ctl {
namespace {

using namespace std::chrono_literals;
using sysv::Array;
using sysv::Queue;

[[noreturn]] void no_queue(sysv::Key key) {
  throw Failure(Exit::no, "there is no queue of key " + text_of(key));
}

Queue queue_of(sysv::Key key) {
  const auto queue = Queue::open(key);
  if (!queue) no_queue(key);
  return *queue;
}

Queue queue_to_send(const Arguments& arguments, sysv::Key key) {
  if (!arguments.has("--create")) return queue_of(key);
  const auto mode = arguments.value("--mode");
  return Queue::open_or_create(key, mode ? access_in(*mode) : sysv::owner_only);
}

std::string body_in(const Arguments& arguments, const std::string& word) {
  return arguments.has("--raw") ? word : text_in(arguments, word);
}

std::optional<std::chrono::milliseconds> patience_in(const Arguments& arguments) {
  const auto wait = arguments.value("--wait");
  if (wait) return seconds_in(*wait);
  return std::nullopt;
}

sysv::Selection selection_in(const Arguments& arguments) {
  const auto type = arguments.value("--type");
  if (!type || *type == "0") return sysv::Selection::any();
  if (type->starts_with('-')) return sysv::Selection::up_to(type_in(type->substr(1)));
  return sysv::Selection::of(type_in(*type));
}

std::string written(const Arguments& arguments, const sysv::Message& message) {
  if (arguments.has("--raw")) return message.body;
  return arguments.has("--json") ? json_of(message) : line_of(message);
}

// Takes messages until there has been none for as long as `patience` (none: for ever), or the user
// has had enough, or nobody reads them any more. Whether that is so is asked before a message is
// taken, never between taking and printing it.
class Reception {
 public:
  Reception(const Arguments& arguments, const Console& console)
      : selection_(selection_in(arguments)),
        patience_(patience_in(arguments)),
        follow_(arguments.has("--follow")),
        queue_(queue_of(key_in(arguments.operand(0)))),
        console_(console) {}

  std::optional<sysv::Message> next() const {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    auto pause = 0ms;
    while (!console_.interrupted(pause)) {
      if (!console_.has_reader()) throw unread("nobody reads what is printed");
      if (auto message = queue_.try_receive(selection_)) return message;
      if (!waits_longer(std::chrono::floor<std::chrono::milliseconds>(Clock::now() - start))) break;
      pause = std::min(pause + 1ms, 20ms);
    }
    return std::nullopt;
  }

  void print(const Arguments& arguments, const sysv::Message& message) const try {
    console_.tell_line(written(arguments, message));
  } catch (const Failure& failure) {
    throw unread(failure.what() + put_back(message));
  }

 private:
  // The reader left between the last look and the printing.
  std::string put_back(const sysv::Message& message) const {
    try {
      if (queue_.try_send(message.type, message.body)) return "; the message went back, behind all";
    } catch (const std::system_error&) {
    }
    return "; this message is taken and cannot go back: " + line_of(message);
  }

  Failure unread(const std::string& why) const {
    return {Exit::output, why + "; in the queue of key " + text_of(queue_.key()) + " are " +
                              std::to_string(queue_.status().messages) + " messages now"};
  }

  bool waits_longer(std::chrono::milliseconds waited) const {
    if (patience_) return waited < *patience_;
    return follow_;
  }

  sysv::Selection selection_;
  std::optional<std::chrono::milliseconds> patience_;
  bool follow_;
  Queue queue_;
  const Console& console_;
};

}  // namespace

std::string line_of(const sysv::Message& message) {
  const bool decodes = type_of(message.body) != "damaged";
  return std::to_string(static_cast<long>(message.type)) + "  " + (decodes ? "" : "bytes ") +
         shown(message.body);
}

std::string json_of(const sysv::Message& message) {
  Array document{{"type", static_cast<long>(message.type)}};
  describe(document, message.body);
  return to_json(document);
}

Exit send(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const sysv::MessageType type = type_in(arguments.operand(1));
  const std::string body = body_in(arguments, arguments.operand(2));
  const Queue queue = queue_to_send(arguments, key);
  if (!queue.send_within(patience_in(arguments).value_or(0ms), type, body)) {
    throw Failure(Exit::try_later, "the queue of key " + text_of(key) + " is full");
  }
  Array document{{"key", text_of(key)}, {"type", static_cast<long>(type)}};
  document.set("size", number(body.size()));
  console.tell(arguments, document, {});
  return Exit::done;
}

Exit receive(const Arguments& arguments, const Console& console) {
  const Reception reception(arguments, console);
  if (console.is_terminal) {
    console.err << "Messages that are printed here are taken away: nobody else gets them.\n";
  }
  const bool follow = arguments.has("--follow");
  bool any = follow;
  do {
    const auto message = reception.next();
    if (!message) return any ? Exit::done : Exit::no;
    any = true;
    reception.print(arguments, *message);
  } while (follow);
  return Exit::done;
}

}  // namespace ctl
