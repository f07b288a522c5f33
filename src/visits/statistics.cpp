#include "visits/statistics.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>

#include "os/error.hpp"

namespace visits {

std::uint64_t Histogram::Reading::count() const noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

Histogram::Reading& Histogram::Reading::operator+=(const Reading& other) noexcept {
  std::transform(counts.begin(), counts.end(), other.counts.begin(), counts.begin(), std::plus<>());
  sum += other.sum;
  return *this;
}

void Histogram::add(std::chrono::nanoseconds duration) noexcept {
  const std::int64_t nanoseconds = std::max<std::int64_t>(duration.count(), 0);
  const auto bound = std::lower_bound(
      bounds_us.begin(), bounds_us.end(), nanoseconds,
      [](std::int64_t microseconds, std::int64_t ns) { return microseconds * 1000 < ns; });
  counts_[static_cast<std::size_t>(bound - bounds_us.begin())].add();
  sum_.add(static_cast<std::uint64_t>(nanoseconds));
}

Histogram::Reading Histogram::read() const noexcept {
  Reading reading;
  std::transform(counts_.begin(), counts_.end(), reading.counts.begin(),
                 [](const Tally& tally) { return tally.value(); });
  reading.sum = std::chrono::nanoseconds(static_cast<std::int64_t>(sum_.value()));
  return reading;
}

void Statistics::Row::answered(int status) noexcept {
  const auto found = std::find(statuses.begin(), statuses.end() - 1, status);
  answers[static_cast<std::size_t>(found - statuses.begin())].add();
}

Statistics::Statistics(int slots) {
  const auto count = static_cast<std::size_t>(slots);
  void* const memory =
      mmap(nullptr, count * sizeof(Row), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) os::fail("mmap of the statistics");
  rows_ = {static_cast<Row*>(memory), count};
  std::uninitialized_value_construct(rows_.begin(), rows_.end());
}

Statistics::~Statistics() { munmap(rows_.data(), rows_.size_bytes()); }

Statistics::Totals Statistics::totals() const noexcept {
  Totals totals;
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < statuses.size(); ++i) totals.answers[i] += row.answers[i].value();
    totals.visits += row.visits.value();
    totals.dropped_events += row.dropped_events.value();
    totals.refused += row.refused.value();
    totals.abandoned += row.abandoned.value();
    totals.service += row.service.read();
    totals.queue += row.queue.read();
  }
  return totals;
}

}  // namespace visits
