#include "visits/counter.hpp"

#include <unistd.h>

#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "sysv/owner.hpp"
#include "sysv/value.hpp"

namespace visits {
namespace {

constexpr std::int64_t variable = 0;  // as in the tutorial's page

std::int64_t nanoseconds_now() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

using OwnerOf = std::optional<sysv::Owner>(sysv::Key);

// Who may not use an object learns whose it is.
void naming_owner(const char* object, sysv::Key key, OwnerOf* owner_of,
                  const std::function<void()>& use) {
  try {
    use();
  } catch (const std::system_error& error) {
    const auto owner = owner_of(key);
    if (error.code() != std::errc::permission_denied || !owner) throw;
    throw std::system_error(error.code(), std::string(object) + " of key " + sysv::text_of(key) +
                                              " belongs to " + text_of(*owner) +
                                              ", workers are user " + std::to_string(geteuid()));
  }
}

}  // namespace

Counter::Counter(Settings settings, Notice notice)
    : settings_(settings), notice_(std::move(notice)) {}

std::int64_t Counter::add_visit() {
  return locked([this](sysv::Variables variables) {
    const std::int64_t count = count_in(variables);
    if (count == std::numeric_limits<std::int64_t>::max()) {
      throw std::overflow_error(where() + ": the count is at its end, " + std::to_string(count));
    }
    variables.put_forward(variable, sysv::serialized(count + 1));
    return count + 1;
  });
}

std::int64_t Counter::count() {
  return locked([this](const sysv::Variables& variables) { return count_in(variables); });
}

std::int64_t Counter::locked(const Work& work) {
  lock();
  const sysv::Hold hold(*semaphore_);
  try {
    return last_seen_ = work(table());
  } catch (const sysv::Damaged& damage) {
    throw std::runtime_error(where() + " (" + segment_->description() +
                             ") was left as it is: " + damage.what());
  } catch (const sysv::NoRoom& full) {
    throw std::runtime_error(where() + " (" + segment_->description() + "): " + full.what());
  }
}

// A set that is removed is missing for as long as it takes to make one anew, so a second removal
// in that moment is all that a third try could meet.
void Counter::lock() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (try_lock()) return;
  }
  throw std::runtime_error(where() + ": the semaphore set is removed again and again");
}

// A set that lets several in, because a program that came first asked for that, is no lock.
void Counter::open_semaphore() {
  auto semaphore =
      std::make_unique<sysv::Semaphore>(settings_.key, sysv::mutual_exclusion, settings_.access);
  if (semaphore->agreement() == sysv::Semaphore::Agreement::larger) {
    throw std::runtime_error(where() +
                             ": the semaphore lets several in at once, as the first of its users "
                             "asked for (sem_get's max_acquire), so nobody can count safely");
  }
  semaphore_ = std::move(semaphore);
}

bool Counter::try_lock() try {
  if (!semaphore_) open_semaphore();
  if (semaphore_->acquire_within(settings_.patience)) return true;
  throw std::runtime_error(where() + ": the semaphore is still held, by process " +
                           std::to_string(semaphore_->last_holder()) + " at last, after " +
                           std::to_string(settings_.patience.count()) + " ms");
} catch (const sysv::Removed&) {
  if (semaphore_) notice_(where() + ": the semaphore set was removed; made anew");
  semaphore_.reset();
  return false;
}

// Looked up by its key for every visit: a segment that was removed still is memory to those who
// are attached, and visits that are counted there are lost.
sysv::Variables Counter::table() {
  const bool attached = segment_.has_value();
  if (attached && !segment_->is_current()) {
    segment_.reset();
    notice_(where() + ": the segment was removed, the count last seen was " +
            std::to_string(last_seen_) + "; going on with the key's new one");
  }
  if (!segment_) attach();
  return sysv::Variables::of(segment_->bytes(), attached_at_);
}

// Somebody who does not take the lock, a PHP page that only looks say, can come in between.
void Counter::attach() {
  for (int attempt = 0; attempt < 3 && !segment_; ++attempt) {
    segment_ = sysv::Segment::open(settings_.key);
    if (!segment_) {
      segment_ = sysv::Segment::create(settings_.key, settings_.size, settings_.access);
    }
  }
  if (!segment_) throw std::runtime_error(where() + ": comes and goes, cannot be attached");
  attached_at_ = nanoseconds_now();
}

std::int64_t Counter::count_in(const sysv::Variables& variables) const {
  const auto text = variables.get(variable);
  if (!text) return 0;
  if (const auto count = sysv::integer_in(*text)) return *count;
  throw sysv::Damaged("variable 0 is not an integer but " + text->substr(0, 40));
}

std::string Counter::where() const { return "segment of key " + sysv::text_of(settings_.key); }

void require_access(const Counter::Settings& settings) {
  naming_owner("semaphore set", settings.key, sysv::owner_of_set, [&] {
    const sysv::Semaphore semaphore(settings.key, sysv::mutual_exclusion, settings.access);
  });
  naming_owner("segment", settings.key, sysv::owner_of_segment,
               [&] { (void)sysv::Segment::open(settings.key); });
}

}  // namespace visits
