#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "sysv/error.hpp"
#include "sysv/key.hpp"

namespace sysv {

// What a sender writes on a message and a receiver may choose by: 1 and up.
enum class MessageType : long {};

// One message as the kernel keeps it: a type and bytes. There is no header of PHP's: the body is
// serialize() text (serializer.hpp, unserializer.hpp) or raw bytes, as both sides agreed.
struct Message {
  MessageType type;
  std::string body;
};

// Which message to receive: what msg_receive's `desired_message_type` and MSG_EXCEPT say.
class Selection {
 public:
  // The oldest of all: 0.
  static constexpr Selection any() { return {0, Sense::only}; }

  // The oldest of that type: TYPE. Throws std::invalid_argument where TYPE is not positive, as do
  // the next two.
  static Selection of(MessageType type);

  // The one with the lowest type up to that, the oldest of those: -TYPE. A queue of priorities.
  static Selection up_to(MessageType highest);

  // The oldest of another type than that: TYPE and MSG_EXCEPT.
  static Selection except(MessageType type);

 private:
  friend class Queue;
  enum class Sense { only, except };

  constexpr Selection(long type, Sense sense) : type_(type), sense_(sense) {}

  long type_;  // as msgrcv(2) wants it
  Sense sense_;
};

// The most bytes of a message to receive; what is beyond is lost (MSG_NOERROR).
enum class Cut : std::size_t {};
constexpr Cut uncut{std::numeric_limits<std::size_t>::max()};

// A System V message queue, as PHP's msg_* functions have it (PHP 8.2 to 8.6, ext/sysvmsg), so that
// PHP and C++ processes send each other messages. The bodies are bytes: a message that cannot be
// decoded is received all the same and not lost, as it is in PHP.
//
// A handle is a number and owns nothing: copies are fine, the end of its life changes nothing, and
// a queue with its messages stays until somebody removes it. Safe to use from several threads.
//
// Limits (kernel.msgmax 8192 bytes a message, kernel.msgmnb 16384 a queue, kernel.msgmni 32000
// queues by default): a queue is full when the bytes of all its bodies, or their number, would
// exceed its capacity. A body longer than the capacity never fits, and waiting does not help it.
//
// "Full" and "no such message" are answers. All else throws: Removed when the queue is gone, also
// while waiting for it; std::system_error otherwise, EACCES among others. Signals do not end a
// wait (PHP returns false with EINTR).
class Queue {
 public:
  // The queue of that key; none if there is none. That it may be used shows later, in use.
  static std::optional<Queue> open(Key key);

  // A new queue. None if somebody else made one first.
  static std::optional<Queue> create(Key key, Access access = owner_only);

  // The queue of that key, made with that access if there is none, as msg_get_queue does; but
  // where two do so at once both get it (in PHP one fails). Key 0 is a new private queue each time.
  static Queue open_or_create(Key key, Access access = owner_only);

  // As msg_queue_exists; nothing has key 0 (PHP up to 8.5 makes a queue each time it is asked).
  static bool exists(Key key);

  Key key() const { return key_; }
  int id() const { return id_; }

  // Adds a message at the end of the queue. The first two return false where it is full: at once,
  // or for as long as `patience`. The third waits as long as it takes.
  // std::invalid_argument: a type below 1. EINVAL: the body is longer than kernel.msgmax.
  //
  // There is no system call that waits for a message or for room with a time limit. The functions
  // that end in _within try, sleep for 1 ms, 2 ms and so on up to 10 ms, and try again until
  // `patience` has run out. So they may come 10 ms late, and lose to those who wait in the kernel.
  [[nodiscard]] bool try_send(MessageType type, std::string_view body) const;
  [[nodiscard]] bool send_within(std::chrono::milliseconds patience, MessageType type,
                                 std::string_view body) const;
  void send(MessageType type, std::string_view body) const;

  // Takes a message out of the queue. None where there is none of that selection: at once, or for
  // as long as `patience`. The third waits as long as it takes.
  // Room grows with the message, however long; in PHP one that is longer than msg_receive's
  // `max_message_size` stays, first in the queue. A cut is what PHP does with MSG_NOERROR.
  [[nodiscard]] std::optional<Message> try_receive(Selection selection = Selection::any(),
                                                   Cut cut = uncut) const;
  [[nodiscard]] std::optional<Message> receive_within(std::chrono::milliseconds patience,
                                                      Selection selection = Selection::any(),
                                                      Cut cut = uncut) const;
  [[nodiscard]] Message receive(Selection selection = Selection::any(), Cut cut = uncut) const;

  // What msg_stat_queue tells, in its order. Needs the right to read.
  struct Status {
    uid_t uid;  // the owner, who may change and remove it; so may its maker and root
    gid_t gid;
    Access access;                      // to send is to write, to receive is to read
    std::chrono::sys_seconds sent;      // the last time; 1970: never
    std::chrono::sys_seconds received;  // the last time; 1970: never
    std::chrono::sys_seconds changed;   // when it was made, or set() changed it
    std::size_t messages;               // that are in it now
    std::size_t capacity;               // bytes of all bodies
    pid_t last_sender;                  // 0: nobody yet
    pid_t last_receiver;                // 0: nobody yet
  };
  Status status() const;

  // Changes what is given, as msg_set_queue does. EPERM: we are not the owner, or the capacity is
  // above kernel.msgmnb, which needs CAP_SYS_RESOURCE. With a capacity of 0 nothing can be sent.
  struct Changes {
    std::optional<uid_t> uid = {};
    std::optional<gid_t> gid = {};
    std::optional<Access> access = {};
    std::optional<std::size_t> capacity = {};
  };
  void set(const Changes& changes) const;

  // Destroys the queue in the kernel with all its messages, for everyone. Those who wait get
  // Removed, as do those who come later.
  void remove() const;

 private:
  enum class Wait { no, yes };

  Queue(Key key, int id) : key_(key), id_(id) {}

  bool post(MessageType type, std::string_view body, Wait wait) const;
  std::optional<Message> take(Selection selection, Cut cut, Wait wait) const;
  bool is_there() const;
  [[noreturn]] void fail(const char* call) const;

  Key key_;
  int id_;
};

}  // namespace sysv
