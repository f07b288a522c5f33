#include "ctl/access.hpp"

#include <thread>

#include "ctl/failure.hpp"
#include "sysv/semaphore.hpp"

namespace ctl {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void no_segment(sysv::Key key) {
  throw Failure(Exit::no, "there is no segment of key " + text_of(key));
}

std::vector<std::byte> copy_of(const sysv::Segment& segment) {
  const auto bytes = segment.bytes();
  return {bytes.begin(), bytes.end()};
}

std::chrono::milliseconds patience_in(const Arguments& arguments) {
  const auto wait = arguments.value("--wait");
  return wait ? seconds_in(*wait) : 10s;
}

sysv::Access access_of(const Arguments& arguments) {
  const auto mode = arguments.value("--mode");
  return mode ? access_in(*mode) : sysv::owner_only;
}

}  // namespace

sysv::Segment segment_to_read(sysv::Key key) {
  auto segment = sysv::Segment::open_to_read(key);
  if (!segment) no_segment(key);
  return *std::move(segment);
}

sysv::Segment segment_to_write(sysv::Key key) {
  auto segment = sysv::Segment::open(key);
  if (!segment) no_segment(key);
  return *std::move(segment);
}

std::vector<std::byte> snapshot(const sysv::Segment& segment) {
  constexpr int attempts = 20;
  std::vector<std::byte> last = copy_of(segment);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::vector<std::byte> next = copy_of(segment);
    if (next == last) return next;
    last = std::move(next);
  }
  return last;
}

sysv::Diagnosis patient_diagnosis(const sysv::Segment& segment) {
  constexpr int attempts = 5;
  sysv::Diagnosis diagnosis = sysv::diagnosis_of(snapshot(segment));
  for (int attempt = 1; attempt < attempts && !diagnosis.is_sound(); ++attempt) {
    std::this_thread::sleep_for(20ms);
    diagnosis = sysv::diagnosis_of(snapshot(segment));
  }
  return diagnosis;
}

void under_lock(const Arguments& arguments, sysv::Key key, const std::function<void()>& work) {
  if (arguments.has("--no-lock")) return work();
  if (!arguments.has("--create") && !sysv::Semaphore::status(key)) {
    throw Failure(Exit::no, "there is no semaphore of key " + text_of(key) +
                                " to take; if its users do without one, say --no-lock");
  }
  sysv::Semaphore semaphore(key, sysv::mutual_exclusion, access_of(arguments));
  if (semaphore.agreement() == sysv::Semaphore::Agreement::larger) {
    throw Failure(Exit::unavailable, "the semaphore of key " + text_of(key) +
                                         " lets several in at once, so it keeps nobody out; if its "
                                         "users do without a lock, say --no-lock");
  }
  if (!semaphore.acquire_within(patience_in(arguments))) {
    throw Failure(Exit::try_later, "the semaphore of key " + text_of(key) +
                                       " is held; the last process that changed it was " +
                                       std::to_string(semaphore.last_holder()));
  }
  const sysv::Hold hold(semaphore);
  work();
}

}  // namespace ctl
