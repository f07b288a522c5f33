#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sysv/variables.hpp"

namespace sysv {

// What a table's header says, unchecked.
struct Header {
  std::int64_t start;
  std::int64_t end;
  std::int64_t free;
  std::int64_t total;
  std::optional<std::int64_t> generation;  // none: there is no private area of ours
};

// None: the bytes do not begin as a table of PHP's.
std::optional<Header> header_in(std::span<const std::byte> bytes);

// Something about a table that is not as it should be.
struct Finding {
  enum class Weight { note, damage };  // a note: takes room, and harms nobody
  Weight weight;
  std::size_t offset;  // in the segment
  std::string what;
};

// What a table holds, sound or not, and what is wrong with it. For any bytes: nothing in them is
// trusted. A pure function of a copy; whose writer was at work while it was taken looks damaged.
struct Diagnosis {
  bool is_table;                    // false: foreign bytes, blank ones, or a table never finished
  bool is_repairable;               // as repaired() has it
  std::vector<Finding> findings;    // in the order in which they were met
  std::vector<Variable> variables;  // that can be saved, each key once
  std::size_t start;                // where the variables begin, or should

  bool is_sound() const;  // a table, and no damage; there may be notes
};
Diagnosis diagnosis_of(std::span<const std::byte> bytes);

// The same bytes as a sound table of the variables that can be saved: one after the other, nothing
// between them, the private area of ours kept and its journal emptied. None: there is nothing of
// PHP's in these bytes, or too much for them (writers other than PHP round to less).
//
// Saved is: everything up to the first chunk whose place in the table cannot be told; a chunk with
// an impossible `next` where the next chunk is where PHP would have put it; a chunk with an
// impossible `length`, or one that cuts its value short, where its text says how long it is; all
// that looks like a chunk where the end is outside the segment; and what a PHP process that was
// killed while it removed a variable has cut off at the end, where its end can still be told. A
// later variable of a key that was there before is dropped: PHP has never shown it.
std::optional<std::vector<std::byte>> repaired(std::span<const std::byte> bytes);

}  // namespace sysv
