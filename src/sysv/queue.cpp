#include "sysv/queue.hpp"

#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace sysv {
namespace {

constexpr std::size_t first_room = 1024;  // most messages are shorter

// A message as the system calls have it: the type, a long, and right behind it the body.
class Envelope {
 public:
  explicit Envelope(std::size_t room)
      : room_(room), bytes_(std::make_unique_for_overwrite<char[]>(sizeof(long) + room)) {}

  Envelope(MessageType type, std::string_view body) : Envelope(body.size()) {
    const auto number = static_cast<long>(type);
    std::memcpy(bytes_.get(), &number, sizeof number);
    body.copy(bytes_.get() + sizeof number, body.size());
  }

  std::size_t room() const { return room_; }
  void* get() { return bytes_.get(); }

  Message message(std::size_t length) const {
    long number = 0;
    std::memcpy(&number, bytes_.get(), sizeof number);
    return {MessageType{number}, std::string(bytes_.get() + sizeof number, length)};
  }

 private:
  std::size_t room_;
  std::unique_ptr<char[]> bytes_;  // aligned for any type, as new makes it
};

// Tries until there is a result or patience has run out. Counts in whole milliseconds, so that the
// longest patience there is does not overflow.
template <class Attempt>
auto within(std::chrono::milliseconds patience, Attempt attempt) {
  using std::chrono::milliseconds;
  constexpr milliseconds longest_pause{10};
  const auto start = std::chrono::steady_clock::now();
  milliseconds pause{1};
  for (;;) {
    auto result = attempt();
    const auto waited = std::chrono::floor<milliseconds>(std::chrono::steady_clock::now() - start);
    if (result || waited >= patience) return result;
    std::this_thread::sleep_for(std::min(pause, patience - waited));
    pause = std::min(2 * pause, longest_pause);
  }
}

long positive(MessageType type) {
  const auto number = static_cast<long>(type);
  if (number < 1) {
    throw std::invalid_argument("a message's type is 1 or more, not " + std::to_string(number));
  }
  return number;
}

std::chrono::sys_seconds time_of(time_t seconds) {
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

const char* hint_for(int error) {
  if (error == ENOSPC) return "not about disks: the limit in kernel.msgmni is reached, see ipcs -l";
  if (error == EACCES) return "the queue belongs to another user, see ipcs -q";
  if (error == EPERM) return "for its owner; a capacity above kernel.msgmnb is for root";
  return "";
}

int get(Key key, int flags) { return msgget(static_cast<key_t>(key), flags); }

[[noreturn]] void fail_get(Key key) { os::fail("msgget: key " + text_of(key), hint_for(errno)); }

}  // namespace

Selection Selection::of(MessageType type) { return {positive(type), Sense::only}; }

Selection Selection::up_to(MessageType highest) { return {-positive(highest), Sense::only}; }

Selection Selection::except(MessageType type) { return {positive(type), Sense::except}; }

// The kernel takes key 0 for "a new one, without any rights".
std::optional<Queue> Queue::open(Key key) {
  if (key == Key{IPC_PRIVATE}) return std::nullopt;
  const int id = get(key, 0);
  if (id == -1 && errno == ENOENT) return std::nullopt;
  if (id == -1) fail_get(key);
  return Queue(key, id);
}

std::optional<Queue> Queue::create(Key key, Access access) {
  const int id = get(key, static_cast<int>(access) | IPC_CREAT | IPC_EXCL);
  if (id == -1 && errno == EEXIST) return std::nullopt;
  if (id == -1) fail_get(key);
  return Queue(key, id);
}

// Not with IPC_CREAT alone, which asks for these rights where there is a queue already. It may be
// made and removed by others in between, so there may be another round.
Queue Queue::open_or_create(Key key, Access access) {
  for (;;) {
    if (const auto existing = open(key)) return *existing;
    if (const auto fresh = create(key, access)) return *fresh;
  }
}

bool Queue::exists(Key key) { return open(key).has_value(); }

bool Queue::try_send(MessageType type, std::string_view body) const {
  return post(type, body, Wait::no);
}

bool Queue::send_within(std::chrono::milliseconds patience, MessageType type,
                        std::string_view body) const {
  return within(patience, [&] { return post(type, body, Wait::no); });
}

void Queue::send(MessageType type, std::string_view body) const { post(type, body, Wait::yes); }

// False: full.
bool Queue::post(MessageType type, std::string_view body, Wait wait) const {
  positive(type);
  Envelope envelope(type, body);
  const int flags = wait == Wait::no ? IPC_NOWAIT : 0;
  if (os::retry([&] { return msgsnd(id_, envelope.get(), body.size(), flags); }) == 0) return true;
  if (errno == EAGAIN) return false;
  if (errno == EINVAL && is_there()) {
    errno = EINVAL;
    os::fail("msgsnd: key " + text_of(key_) + ", " + std::to_string(body.size()) + " bytes",
             "longer than kernel.msgmax allows");
  }
  fail("msgsnd");
}

std::optional<Message> Queue::try_receive(Selection selection, Cut cut) const {
  return take(selection, cut, Wait::no);
}

std::optional<Message> Queue::receive_within(std::chrono::milliseconds patience,
                                             Selection selection, Cut cut) const {
  return within(patience, [&] { return take(selection, cut, Wait::no); });
}

Message Queue::receive(Selection selection, Cut cut) const {
  return *take(selection, cut, Wait::yes);
}

// None: no such message. A message too long for the room stays in the queue (E2BIG) until there is
// room for it, or for as much of it as is wanted.
std::optional<Message> Queue::take(Selection selection, Cut cut, Wait wait) const {
  const bool except = selection.sense_ == Selection::Sense::except;
  const int flags = (wait == Wait::no ? IPC_NOWAIT : 0) | (except ? MSG_EXCEPT : 0);
  const auto most = static_cast<std::size_t>(cut);
  for (std::size_t room = first_room;; room *= 2) {
    Envelope envelope(std::min(room, most));
    const int or_cut = room < most ? 0 : MSG_NOERROR;
    const ssize_t length = os::retry([&] {
      return msgrcv(id_, envelope.get(), envelope.room(), selection.type_, flags | or_cut);
    });
    if (length != -1) return envelope.message(static_cast<std::size_t>(length));
    if (errno == ENOMSG) return std::nullopt;
    if (errno != E2BIG) fail("msgrcv");
  }
}

Queue::Status Queue::status() const {
  msqid_ds status{};
  if (msgctl(id_, IPC_STAT, &status) == -1) fail("msgctl");
  return {.uid = status.msg_perm.uid,
          .gid = status.msg_perm.gid,
          .access = Access{status.msg_perm.mode},
          .sent = time_of(status.msg_stime),
          .received = time_of(status.msg_rtime),
          .changed = time_of(status.msg_ctime),
          .messages = status.msg_qnum,
          .capacity = status.msg_qbytes,
          .last_sender = status.msg_lspid,
          .last_receiver = status.msg_lrpid};
}

void Queue::set(const Changes& changes) const {
  msqid_ds status{};
  if (msgctl(id_, IPC_STAT, &status) == -1) fail("msgctl");
  auto& rights = status.msg_perm;
  rights.uid = changes.uid.value_or(rights.uid);
  rights.gid = changes.gid.value_or(rights.gid);
  if (changes.access) rights.mode = static_cast<decltype(rights.mode)>(*changes.access);
  status.msg_qbytes = changes.capacity.value_or(status.msg_qbytes);
  if (msgctl(id_, IPC_SET, &status) == -1) fail("msgctl");
}

void Queue::remove() const {
  if (msgctl(id_, IPC_RMID, nullptr) == -1) fail("msgctl");
}

bool Queue::is_there() const {
  msqid_ds status{};
  return msgctl(id_, IPC_STAT, &status) != -1 || errno == EACCES;
}

// The kernel forgets a removed queue, and has EINVAL for other things too.
void Queue::fail(const char* call) const {
  const int error = errno;
  const std::string what = std::string(call) + ": key " + text_of(key_);
  if (error == EIDRM || (error == EINVAL && !is_there())) {
    throw Removed(EIDRM, std::generic_category(), what + ": the queue");
  }
  errno = error;
  os::fail(what, hint_for(error));
}

}  // namespace sysv
