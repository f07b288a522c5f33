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

// One word to be written.
struct Store {
  std::size_t offset;
  std::int64_t word;
};

// What a table holds, sound or not, and what is wrong with it. For any bytes: nothing in them is
// trusted. A pure function of a copy; whose writer was at work while it was taken looks damaged.
//
// Saved is: everything up to the first chunk whose place in the table cannot be told; a chunk with
// an impossible `next` where the next chunk is where PHP would have put it; a chunk with an
// impossible `length`, or one that cuts its value short, where its text says how long it is; all
// that looks like a chunk where the end is outside the segment; and what a PHP process that was
// killed while it removed a variable has cut off at the end, where its end can still be told. A
// later variable of a key that was there before is dropped: PHP has never shown it.
struct Diagnosis {
  bool is_table;                    // false: foreign bytes, blank ones, or a table never finished
  bool is_repairable;               // false: there is nothing of PHP's in these bytes
  std::vector<Finding> findings;    // in the order in which they were met
  std::vector<Variable> variables;  // that can be saved, each key once
  std::size_t start;                // where the variables begin, or should

  // What has to be stored, in this order, to make it a sound table of these variables. No variable
  // is moved, and however many of these stores have been done, a diagnosis of what is there then
  // has the same variables, and what is left to be stored: who mends may die half-way.
  std::vector<Store> mending;

  bool is_sound() const;  // a table, and no damage; there may be notes
};
Diagnosis diagnosis_of(std::span<const std::byte> bytes);

// Does all of a mending's stores. REQUIRES: the diagnosis is of these bytes, and nobody else writes
// there.
void mend(std::span<std::byte> bytes, const Diagnosis& diagnosis);

}  // namespace sysv
