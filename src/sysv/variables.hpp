#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sysv/layout.hpp"

namespace sysv {

// The bytes are no PHP variable table, or one that contradicts itself. The message says what and
// where. Nothing was changed.
class Damaged : public std::runtime_error {
  using runtime_error::runtime_error;
};

// There is no room for a variable. Nothing was changed: an old value stays (in PHP it is lost).
class NoRoom : public std::runtime_error {
  using runtime_error::runtime_error;
};

// One variable, a copy: its key, and its value as serialize() text.
struct Variable {
  std::int64_t key;
  std::string text;

  bool operator==(const Variable&) const = default;
};

// The variables in a segment: PHP's shm_has_var, shm_get_var, shm_put_var and shm_remove_var on
// serialize() text. A view; it owns nothing. REQUIRES: the semaphore that guards the segment is
// held throughout.
//
// Crash-atomic. Every change is prepared where no reader looks and made true by ONE store, of
// an aligned 8-byte word but for three. A process killed between any two instructions leaves a
// table in which whoever takes the lock next, PHP included, finds the old value or the new one and
// every other variable. At worst some room stays unused until the variable before it is put again.
// How: a chunk is reached only through one word, the `next` of the chunk before it or the header's
// `start`. The new text is written as a chunk beside the old one, in room that belongs to either
// neighbour, and that word is then pointed at it. Two variants thus alternate. Where PHP has filled
// the segment so far that there is no such room, a short text is written over the old one instead,
// by one 16-byte store.
//
// A variable that is put often can be brought to where it is found at once (put_forward). `start`
// and `end` are neighbours in the header, and one 16-byte store changes both: it shows a chunk
// before the first one in the instant in which it drops the last, or shows one behind the last in
// which it drops the first. So a variable goes from one end of the table to the other and is there
// once, and once only, in every instant. These two and the one before are all the wide stores.
//
// Nothing in the bytes is trusted: each number is read once, into a copy, and checked.
class Variables {
 public:
  // REQUIRES: the bytes outlive the view. Throws Damaged when the header is not PHP's, or points
  // outside. Counts free room anew where a process died while counting it (the only repair).
  explicit Variables(std::span<std::byte> bytes);

  // Makes a fresh table of an all-zero segment, or of one whose maker died while making it; leaves
  // a table alone, whoever made it. Throws Damaged, and changes nothing, when the bytes are
  // neither: they are another program's. `generation`: see layout.hpp.
  static Variables of(std::span<std::byte> bytes, std::int64_t generation);

  bool has(std::int64_t key) const { return find(key).has_value(); }

  // The serialize() text of a variable, a copy; none if there is no such variable.
  std::optional<std::string> get(std::int64_t key) const;

  // Sets a variable. Throws NoRoom, Damaged. Old and new value are in the segment together for a
  // moment, so an update needs up to bytes_needed() of free room, and where other variables follow
  // and there is none beside it, theirs once more. A text of at most 16 bytes, such as any count up
  // to 13 digits, needs none in a segment of PHP's, however full.
  void put(std::int64_t key, std::string_view text);

  // put() for a number that is put often, and by us alone. Finding it takes as long as walking past
  // the variables before it; so where there are more than 16, it comes to stand first, and costs
  // the same from then on however many there are. (Up to seven that stood first come to stand last.
  // Their old places, of 304 bytes at most, are its own from then on.) It does so when it is put
  // for the second or third time in a row, a new one for the fourth: once it has room behind its
  // text, which no put of PHP leaves. So in turns with PHP, which leaves last what it puts, it
  // stays last. PHP's next put would move all others to close the gap at the front, and mix them up
  // if it were killed meanwhile.
  //
  // It stays where it is also if what stands first is larger than that; if its text is of more than
  // 23 bytes; and while there is no room for copies: twice of those few, and once of all that stand
  // behind it, which is nothing where it is last; or if one of these is there twice, or a chunk
  // contradicts the table. To find that out, a put may walk past all variables again.
  void put_forward(std::int64_t key, std::string_view text);

  // False if there is no such variable. Its room is free at once, unless the segment is so full
  // that the variables behind it cannot be moved; then the one before it has that room. Throws
  // Damaged.
  bool remove(std::int64_t key);

  // All of them, in the order of the segment: PHP puts the one that it put last at the end.
  std::vector<Variable> all() const;

  // Bytes behind the last variable; and what a new variable with that text takes of them.
  std::size_t free_bytes() const { return bytes_.size() - end_; }
  static std::size_t bytes_needed(std::string_view text) { return layout::chunk_size(text.size()); }

  // Walks over every chunk and throws Damaged at the first that contradicts the header.
  void check() const;

 private:
  using Word = layout::Word;

  // A chunk on a walk: what it says of itself, each number read once and known to lie inside, and
  // what is needed of the chunk before it.
  struct Place {
    std::size_t before;  // where that is; 0: there is none, the header's `start` leads here
    std::size_t length_before;
    std::size_t at;  // the end of the table: there is no chunk here
    Word key;
    std::size_t length;
    std::size_t next;

    std::size_t end() const { return at + next; }
    std::size_t room_after() const { return std::min(at + layout::chunk_size(length), end()); }
    bool has_room() const { return room_after() < end(); }  // PHP writes none

    // The word that leads here. Its value counts from `before`.
    std::size_t link() const {
      return before == 0 ? layout::header::start : before + layout::chunk::next;
    }
  };

  struct Chunk {  // a private copy
    Word key;
    std::string text;
    std::size_t size;
  };

  Word load(std::size_t offset) const;
  void store(std::size_t offset, Word value);
  void move_end(std::size_t end);
  void move_ends(std::size_t start, std::size_t end);

  std::string text_of(const Place& place) const;
  std::size_t room_before(const Place& place) const;

  Place first() const { return place_at(0, 0, start_); }
  Place after(const Place& place) const { return place_at(place.at, place.length, place.end()); }
  Place place_at(std::size_t before, std::size_t length_before, std::size_t at) const;
  std::optional<Place> find(Word key) const;

  void put_at(const std::optional<Place>& place, Word key, std::string_view text);
  void write_chunk(std::size_t at, Word key, std::string_view text, std::size_t next);
  void append(Word key, std::string_view text, std::size_t next);
  void replace(Place place, std::string_view text);
  void absorb_fillers(Place& place);
  void point(const Place& place, std::size_t at);
  void rebuild_or_overwrite(const Place& place, std::string_view text);
  static bool fits_over(const Place& place, std::string_view text);
  void overwrite(const Place& place, std::string_view text);
  [[noreturn]] void no_room(std::size_t need) const;
  void rebuild(const Place& place, std::string_view text);
  static std::size_t size_of(const std::vector<Chunk>& chain);
  std::size_t size_behind(const Place& place) const;
  std::vector<Chunk> chain_behind(const Place& place) const;
  void replace_chain(const Place& place, const std::vector<Chunk>& chain, std::size_t head);
  void write_chain(std::size_t at, std::span<const Chunk> chain);
  void cut(std::size_t last, std::size_t size);

  bool is_far(const Place& place) const;
  std::size_t front() const { return room_before(first()); }
  bool can_come_forward(const Place& place) const;
  std::vector<Place> in_the_way() const;
  std::size_t room_to_come_forward(const Place& place, const std::vector<Place>& moving) const;
  bool are_single(const std::vector<Place>& places) const;
  void bring_forward(Place place, std::string_view text);
  void move_first_to_end();
  std::size_t move_to_end(const Place& place);

  std::span<std::byte> bytes_;
  std::size_t start_;  // as read and checked; kept in step with every store
  std::size_t end_;
};

}  // namespace sysv
