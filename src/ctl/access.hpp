#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "ctl/arguments.hpp"
#include "sysv/diagnosis.hpp"
#include "sysv/key.hpp"
#include "sysv/segment.hpp"

namespace ctl {

// The segment of a key, to look at or to write. Throws Failure (no) where there is none.
sysv::Segment segment_to_read(sysv::Key key);
sysv::Segment segment_to_write(sysv::Key key);

// A copy of its bytes as they were at one moment, as far as one can know without the semaphore: two
// readings in a row that were the same. After many attempts, the last one.
std::vector<std::byte> snapshot(const sysv::Segment& segment);

// What a segment holds. What looks damaged may be a writer at work, so it is read again for a
// while.
sysv::Diagnosis patient_diagnosis(const sysv::Segment& segment);

// Does the work while this process holds PHP's semaphore of a key, unless --no-lock was given.
// Where there is no set it is made with --create alone. Throws Failure: no set (no), held too long
// (try_later).
void under_lock(const Arguments& arguments, sysv::Key key, const std::function<void()>& work);

}  // namespace ctl
