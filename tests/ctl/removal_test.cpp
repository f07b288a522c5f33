#include "ctl/removal.hpp"

#include "support/catch.hpp"
#include "support/session.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"

using support::contains;
using support::Session;

namespace {

struct Full : Session {
  Full() {
    ipc({"put", key_text, "0", "5", "--create"});
    ipc({"send", key_text, "1", "5", "--create"});
  }

  // Which are there: segment, semaphore set, queue.
  std::string there() const {
    return std::string(sysv::Segment::open(key) ? "segment " : "") +
           (sysv::Semaphore::status(key) ? "set " : "") + (sysv::Queue::exists(key) ? "queue" : "");
  }
};

}  // namespace

TEST_CASE_METHOD(Full, "Nothing is destroyed without consent, and all that would be is named") {
  const support::Outcome outcome = ipc({"rm", key_text});
  CHECK(outcome.code == 64);
  CHECK_THAT(outcome.err, contains("the segment of ") && contains("65536 bytes") &&
                              contains("the semaphore set of ") && contains("with 1 messages"));
  CHECK(there() == "segment set queue");
}

TEST_CASE_METHOD(Full, "One of the three can be destroyed alone") {
  CHECK(ipc({"rm", key_text, "--queue", "--yes"}).code == 0);
  CHECK(there() == "segment set ");
  CHECK(ipc({"rm", key_text, "--queue", "--yes"}).code == 1);
  CHECK(ipc({"rm", key_text, "--semaphore", "--yes"}).code == 0);
  CHECK(there() == "segment ");
  CHECK(ipc({"rm", key_text, "--segment", "--yes"}).code == 0);
  CHECK(there().empty());
}

TEST_CASE_METHOD(Full, "All three are destroyed where none is named") {
  CHECK_THAT(ipc({"rm", key_text, "--yes", "--json"}).out, contains("\"queue\": true"));
  CHECK(there().empty());
  CHECK(ipc({"rm", key_text, "--yes"}).code == 1);
}
