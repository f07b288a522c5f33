#pragma once

#include <array>
#include <string>
#include <string_view>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// One line of php-fpm's status page.
struct Field {
  enum class Kind { number, text };
  std::string_view name;
  std::string value;
  Kind kind = Kind::number;
};

// How a time of day is written: for people, or in seconds since 1970.
enum class Times { dates, seconds };

// In php-fpm's order, under php-fpm's names.
std::array<Field, 14> fields_of(const Snapshot& snapshot, Times times);
std::array<Field, 13> fields_of(const Process& process, const Snapshot& snapshot, Times times);

// php-fpm's word for it: static, dynamic, ondemand.
std::string_view word_for(prefork::Sizing sizing);

// A worker that is starting counts as idle, so that idle and active are all, as in php-fpm.
int idle_in(const Snapshot& snapshot);

}  // namespace visits::view
