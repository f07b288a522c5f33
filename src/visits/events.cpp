#include "visits/events.hpp"

#include <exception>
#include <utility>

#include "sysv/error.hpp"
#include "sysv/serializer.hpp"
#include "sysv/value.hpp"

namespace visits {
namespace {

constexpr sysv::MessageType visit{1};
constexpr std::size_t longest_path = 1024;  // a message has at most 8192 bytes (kernel.msgmax)

std::string body_of(const Event& event) {
  const sysv::Value count = event.count ? sysv::Value(*event.count) : sysv::Value();
  return sysv::serialize(sysv::Array{{"time", event.time},
                                     {"path", std::string(event.path.substr(0, longest_path))},
                                     {"count", count},
                                     {"status", event.status}});
}

}  // namespace

Events::Events(sysv::Key key, sysv::Access access, Report report)
    : key_(key), access_(access), report_(std::move(report)) {}

void Events::send(const Event& event) noexcept try {
  if (!try_send(body_of(event))) drop("the queue of key " + sysv::text_of(key_) + " is full");
} catch (const std::exception& error) {
  drop(error.what());
}

// A queue that was removed is made anew, once.
bool Events::try_send(const std::string& body) {
  if (queue_) {
    try {
      return queue_->try_send(visit, body);
    } catch (const sysv::Removed&) {
      queue_.reset();
    }
  }
  queue_ = sysv::Queue::open_or_create(key_, access_);
  return queue_->try_send(visit, body);
}

void Events::drop(const std::string& why) noexcept try {
  ++dropped_;
  report_("event dropped: " + why);
} catch (const std::exception&) {
  // No memory for the report: the number of drops has to do.
}

}  // namespace visits
