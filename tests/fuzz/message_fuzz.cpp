#include <fuzzer/FuzzedDataProvider.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <limits>
#include <optional>
#include <string>

#include "fuzz/require.hpp"
#include "sysv/queue.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

// Any messages through a queue of the kernel's, next to a model of it, and what their receiver does
// with the bodies.

namespace {

using fuzz::require;
using sysv::Cut;
using sysv::Message;
using sysv::MessageType;
using sysv::Queue;
using sysv::Selection;
using Model = std::deque<Message>;

long number(MessageType type) { return static_cast<long>(type); }

// One queue for all inputs. A child that outlives this process, whatever ends it, removes the
// queue.
class Fixture {
 public:
  Fixture() : queue_(*Queue::create(sysv::Key{0})) {
    require(pipe(life_) == 0, "there is a pipe");
    janitor_ = fork();
    close(life_[janitor_ == 0 ? 1 : 0]);
    if (janitor_ == 0) clean_up();
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() {
    close(life_[1]);
    waitpid(janitor_, nullptr, 0);
  }

  // With nothing in it.
  const Queue& empty_queue() const {
    while (queue_.try_receive()) {
    }
    return queue_;
  }

 private:
  [[noreturn]] void clean_up() const {
    setsid();
    char byte = 0;
    while (read(life_[0], &byte, 1) == -1) {
    }
    queue_.remove();
    _exit(0);
  }

  Queue queue_;
  int life_[2];
  pid_t janitor_;
};

// A type to choose by, and what it means.
struct Choice {
  Selection selection = Selection::any();
  Model::iterator found;
};

Model::iterator lowest(Model& model, long highest) {
  auto found = model.end();
  for (auto it = model.begin(); it != model.end(); ++it) {
    const bool candidate = number(it->type) <= highest;
    if (candidate && (found == model.end() || it->type < found->type)) found = it;
  }
  return found;
}

Choice choose(FuzzedDataProvider& input, Model& model) {
  const MessageType type{input.ConsumeIntegralInRange<long>(1, 4)};
  const auto oldest = [&](auto claim) { return std::find_if(model.begin(), model.end(), claim); };
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0: return {Selection::any(), model.begin()};
    case 1: return {Selection::of(type), oldest([&](const Message& m) { return m.type == type; })};
    case 2: return {Selection::up_to(type), lowest(model, number(type))};
    default:
      return {Selection::except(type), oldest([&](const Message& m) { return m.type != type; })};
  }
}

// What a receiver does: the body is a value, or stays bytes. A value can be sent on in both forms.
void look_into(const std::string& body) {
  const auto value = sysv::unserialize(body);
  if (!value) return;
  const std::string text = sysv::serialize(*value);
  const auto again = sysv::unserialize(text);
  require(again && sysv::serialize(*again) == text, "a value that is sent on arrives as it was");
  const auto raw = sysv::raw(*value);
  const auto* const bytes = value->as<std::string>();
  require(!bytes || raw == *bytes, "a string's raw form is its bytes");
}

void send(FuzzedDataProvider& input, const Queue& queue, Model& model) {
  const MessageType type{input.ConsumeIntegralInRange<long>(1, 4)};
  const std::string body = input.ConsumeRandomLengthString();
  if (queue.try_send(type, body)) model.push_back({type, body});
}

void receive(FuzzedDataProvider& input, const Queue& queue, Model& model) {
  const Choice choice = choose(input, model);
  const std::size_t most = input.ConsumeBool() ? input.ConsumeIntegral<std::uint16_t>()
                                               : std::numeric_limits<std::size_t>::max();
  const auto message = queue.try_receive(choice.selection, Cut{most});
  require(message.has_value() == (choice.found != model.end()), "the message is there, or is not");
  if (!message) return;
  require(message->type == choice.found->type, "it is the one that was chosen");
  require(message->body == choice.found->body.substr(0, most), "its bytes are as they were sent");
  model.erase(choice.found);
  look_into(message->body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Fixture fixture;
  const Queue& queue = fixture.empty_queue();
  Model model;
  FuzzedDataProvider input(data, size);
  while (input.remaining_bytes() > 0) {
    if (input.ConsumeBool()) {
      send(input, queue, model);
    } else {
      receive(input, queue, model);
    }
  }
  require(queue.status().messages == model.size(), "no message is lost");
  return 0;
}
