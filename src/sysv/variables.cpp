#include "sysv/variables.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sysv/words.hpp"

namespace sysv {

using namespace layout;  // NOLINT(google-build-using-namespace): this file is about the layout

namespace {

constexpr std::size_t round_up(std::size_t n) { return (n + word_size - 1) & ~(word_size - 1); }

[[noreturn]] void unaligned(std::size_t offset) {
  throw Damaged("offset " + std::to_string(offset) +
                " should be a multiple of 8: not written by "
                "64-bit PHP, and no update of it could be atomic");
}

void store_aligned(std::span<std::byte> bytes, std::size_t offset, Word value) {
  if (!is_aligned(bytes, offset)) unaligned(offset);
  store_at(bytes, offset, value);
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

Word magic_word() {
  Word word = 0;
  std::memcpy(&word, magic.data(), magic.size());
  return word;
}

bool has_magic(std::span<const std::byte> bytes) {
  const Word found = load_at(bytes, header::magic);
  return std::memcmp(&found, magic.data(), magic.size()) == 0;
}

// No table yet: all zero, or as far as format() came before its process died.
bool is_blank(std::span<const std::byte> bytes) {
  if (has_magic(bytes)) {  // PHP writes the magic first, and the rest at once
    return is_zero(bytes.subspan(header::size)) && is_zero(bytes.subspan(header::start, 32));
  }
  const bool begun = load_at(bytes, own::magic) == own_magic;
  return is_zero(bytes.first(word_size)) && is_zero(bytes.subspan(own::journal)) &&
         (begun || is_zero(bytes));
}

// PHP's magic last: until then PHP takes the segment for empty, and we for unfinished.
void format(std::span<std::byte> bytes, Word generation) {
  const auto size = static_cast<Word>(bytes.size());
  const auto start = static_cast<Word>(own::size);
  store_aligned(bytes, own::magic, own_magic);
  store_aligned(bytes, own::version, own_version);
  store_aligned(bytes, own::generation, generation);
  store_aligned(bytes, header::start, start);
  store_aligned(bytes, header::end, start);
  store_aligned(bytes, header::free, size - start);
  store_aligned(bytes, header::total, size);
  store_aligned(bytes, header::magic, magic_word());
}

[[noreturn]] void damaged(const char* what, Word value, const std::string& limits) {
  throw Damaged(std::string(what) + " is " + std::to_string(value) + ", not " + limits);
}

std::string range(std::size_t least, std::size_t most) {
  return std::to_string(least) + " to " + std::to_string(most);
}

// In one comparison: what is less than the least, or negative, comes out huge.
bool is_within(Word value, std::size_t least, std::size_t most) {
  return static_cast<std::size_t>(value) - least <= most - least;
}

// The number, once it is known to lie in [least, most].
std::size_t within(Word value, std::size_t least, std::size_t most, const char* what) {
  if (!is_within(value, least, most)) damaged(what, value, range(least, most));
  return static_cast<std::size_t>(value);
}

[[noreturn]] void damaged_chunk(std::size_t at, const char* field, Word value, std::size_t least,
                                std::size_t most) {
  const std::string what = "chunk at " + std::to_string(at) + ": " + field;
  damaged(what.c_str(), value, range(least, most));
}

}  // namespace

Variables Variables::of(std::span<std::byte> bytes, std::int64_t generation) {
  constexpr std::size_t least = own::size + chunk_size(4);
  if (bytes.size() >= least && is_blank(bytes)) format(bytes, generation);
  return Variables(bytes);
}

Variables::Variables(std::span<std::byte> bytes) : bytes_(bytes) {
  if (bytes.size() < header::size) {
    throw Damaged("a segment of " + std::to_string(bytes.size()) +
                  " bytes is too small for PHP's header of 40");
  }
  if (!has_magic(bytes)) throw Damaged("not a table of PHP's: no PHP_SM at its start");
  end_ = within(load(header::end), header::size, bytes.size(), "header: end");
  start_ = within(load(header::start), header::size, end_, "header: start");
  // A PHP process that dies while it removes a variable has counted the room as free already, and
  // one of us that dies while it appends has no longer. All else is no such trace.
  const std::size_t counted = within(load(header::free), 0, bytes.size() - start_, "header: free");
  if (counted != free_bytes()) store(header::free, static_cast<Word>(free_bytes()));
}

std::size_t Variables::size_of(const std::vector<Chunk>& chain) {
  return std::accumulate(chain.begin(), chain.end(), std::size_t{0},
                         [](std::size_t sum, const Chunk& piece) { return sum + piece.size; });
}

Word Variables::load(std::size_t offset) const { return load_at(bytes_, offset); }

void Variables::store(std::size_t offset, Word value) { store_aligned(bytes_, offset, value); }

// In an order in which a death between the stores leaves room uncounted, never counted twice.
void Variables::move_end(std::size_t end) {
  const bool grows = end > end_;
  if (grows) store(header::free, static_cast<Word>(bytes_.size() - end));
  store(header::end, static_cast<Word>(end));
  if (!grows) store(header::free, static_cast<Word>(bytes_.size() - end));
  end_ = end;
}

// The same, of the start too.
void Variables::move_ends(std::size_t start, std::size_t end) {
  const bool grows = end > end_;
  if (grows) store(header::free, static_cast<Word>(bytes_.size() - end));
  if (!is_aligned(bytes_, header::start)) unaligned(header::start);
  store_pair_at(bytes_, header::start, {static_cast<Word>(start), static_cast<Word>(end)});
  if (!grows) store(header::free, static_cast<Word>(bytes_.size() - end));
  start_ = start;
  end_ = end;
}

std::string Variables::text_of(const Place& place) const {
  const auto text = bytes_.subspan(place.at + chunk::text, place.length);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

// From here up to a chunk, the chunk before it has nothing.
std::size_t Variables::room_before(const Place& place) const {
  if (place.before != 0) {
    return round_up(std::min(place.before + chunk_size(place.length_before), place.at));
  }
  const bool ours = start_ >= own::journal && load(own::magic) == own_magic;
  return ours ? own::journal : header::size;
}

// A chunk is at least as long as its text: writers other than PHP round it otherwise, and PHP
// follows them.
inline Variables::Place Variables::place_at(std::size_t before, std::size_t length_before,
                                            std::size_t at) const {
  Place place{before, length_before, at, 0, 0, 0};
  if (at == end_) return place;
  const std::size_t left = end_ - at;
  if (left < chunk::text) {
    damaged("header: end", static_cast<Word>(end_), "the end of any chunk");
  }
  const auto [key, length, next] = head_at(bytes_, at);
  if (!is_within(length, 0, left - chunk::text)) {
    damaged_chunk(at, "length", length, 0, left - chunk::text);
  }
  place.key = key;
  place.length = static_cast<std::size_t>(length);
  if (!is_within(next, chunk::text + place.length, left)) {
    damaged_chunk(at, "next", next, chunk::text + place.length, left);
  }
  place.next = static_cast<std::size_t>(next);
  return place;
}

std::optional<Variables::Place> Variables::find(Word key) const {
  for (Place place = first(); place.at != end_; place = after(place)) {
    if (place.key == key) return place;
  }
  return std::nullopt;
}

std::optional<std::string> Variables::get(std::int64_t key) const {
  const auto place = find(key);
  if (!place) return std::nullopt;
  return text_of(*place);
}

void Variables::check() const {
  for (Place place = first(); place.at != end_; place = after(place)) {
  }
}

void Variables::put(std::int64_t key, std::string_view text) { put_at(find(key), key, text); }

void Variables::put_forward(std::int64_t key, std::string_view text) {
  const auto place = find(key);
  if (place && text.size() <= longest_integer && is_far(*place) && can_come_forward(*place)) {
    bring_forward(*place, text);
  } else {
    put_at(place, key, text);
  }
}

void Variables::put_at(const std::optional<Place>& place, Word key, std::string_view text) {
  if (place) {
    replace(*place, text);
  } else {
    append(key, text, chunk_size(text.size()));
  }
}

bool Variables::remove(std::int64_t key) {
  auto place = find(key);
  if (!place) return false;
  absorb_fillers(*place);
  if (place->end() == end_) {
    move_end(place->at);
    return true;
  }
  const std::vector<Chunk> rest = chain_behind(*place);
  if (rest.empty() || free_bytes() < chunk::least + size_of(rest)) {
    point(*place, place->end());
  } else {
    replace_chain(*place, rest, chunk::least);
  }
  return true;
}

std::vector<Variable> Variables::all() const {
  std::vector<Variable> found;
  for (Place place = first(); place.at != end_; place = after(place)) {
    if (place.key != filler_key) found.push_back({place.key, text_of(place)});
  }
  return found;
}

void Variables::write_chunk(std::size_t at, Word key, std::string_view text, std::size_t next) {
  store(at + chunk::key, key);
  store(at + chunk::length, static_cast<Word>(text.size()));
  store(at + chunk::next, static_cast<Word>(next));
  text.copy(reinterpret_cast<char*>(bytes_.data() + at + chunk::text), text.size());
}

void Variables::no_room(std::size_t need) const {
  throw NoRoom("no room in the segment: " + std::to_string(need) + " bytes needed, " +
               std::to_string(free_bytes()) + " free");
}

void Variables::append(Word key, std::string_view text, std::size_t next) {
  if (free_bytes() < next) no_room(next);
  write_chunk(end_, key, text, next);
  move_end(end_ + next);
}

// The new variant goes into the room before the old one, else behind it, where the last chunk can
// be given more; else everything from here on is written anew at the end.
void Variables::replace(Place place, std::string_view text) {
  absorb_fillers(place);
  const std::size_t need = chunk_size(text.size());
  const std::size_t before = room_before(place);
  const bool fits_before = before + need <= place.at;
  if (!fits_before && place.end() == end_ && place.room_after() + need > end_) {
    const std::size_t more = std::max(chunk::least, place.room_after() + need - end_);
    if (free_bytes() < more) {
      if (!fits_over(place, text)) no_room(more);
      return overwrite(place, text);
    }
    append(filler_key, {}, more);
    absorb_fillers(place);
  }
  const std::size_t at = fits_before ? before : place.room_after();
  if (at + need > place.end()) return rebuild_or_overwrite(place, text);
  write_chunk(at, place.key, text, place.end() - at);
  point(place, at);
}

// Behind a variable that has no room beside it are others. Where the segment is too full to hold
// them twice, a short text still goes where the old one is. (To the end alone, as PHP does it,
// would be two stores: one death between them, and the variable is there twice or not at all.)
// What stands behind is read only when there is no other way: it may be long, and a count is put
// often.
void Variables::rebuild_or_overwrite(const Place& place, std::string_view text) {
  const std::size_t need = chunk::least + chunk_size(text.size());
  const bool fits = fits_over(place, text);
  if (fits && free_bytes() < need + (end_ - place.end())) return overwrite(place, text);
  const std::size_t twice = need + size_behind(place);
  if (free_bytes() >= twice) return rebuild(place, text);
  if (!fits) no_room(twice);
  overwrite(place, text);
}

bool Variables::fits_over(const Place& place, std::string_view text) {
  return text.size() <= wide_size && place.next >= chunk::text + wide_size;
}

// Whoever reads a text ignores what follows its first complete value, as PHP does; so the length
// may be too large for a moment, never too small.
void Variables::overwrite(const Place& place, std::string_view text) {
  const auto store_length = [&] {
    store(place.at + chunk::length, static_cast<Word>(text.size()));
  };
  if (text.size() > place.length) store_length();
  if (!is_aligned(bytes_, place.at + chunk::text)) unaligned(place.at + chunk::text);
  store_wide_at(bytes_, place.at + chunk::text, text);
  if (text.size() < place.length) store_length();
}

// Makes the room of the fillers behind a chunk that chunk's own.
void Variables::absorb_fillers(Place& place) {
  while (place.end() != end_) {
    const Place follower = after(place);
    if (follower.key != filler_key) return;
    store(place.at + chunk::next, static_cast<Word>(place.next + follower.next));
    place.next += follower.next;
  }
}

// The one store that makes a change true.
void Variables::point(const Place& place, std::size_t at) {
  store(place.link(), static_cast<Word>(at - place.before));
  if (place.before == 0) start_ = at;
}

// For a variable with others behind it and no room beside it. Where the segment has it to spare, it
// gets room for its next variant, and the head of the filler is as long as the variable, so that
// all of this fits where it was before.
void Variables::rebuild(const Place& place, std::string_view text) {
  const std::size_t need = chunk_size(text.size());
  std::vector<Chunk> chain = chain_behind(place);
  const bool ample = free_bytes() >= 3 * need + size_of(chain);
  chain.insert(chain.begin(), {place.key, std::string(text), ample ? 2 * need : need});
  replace_chain(place, chain, ample ? need : chunk::least);
}

// Copies of all that follows, fillers left out.
std::vector<Variables::Chunk> Variables::chain_behind(const Place& place) const {
  std::vector<Chunk> chain;
  for (Place next = after(place); next.at != end_; next = after(next)) {
    if (next.key == filler_key) continue;
    chain.push_back({next.key, text_of(next), chunk_size(next.length)});
  }
  return chain;
}

// What these copies take, which can be more than they take now: other writers round less.
std::size_t Variables::size_behind(const Place& place) const {
  std::size_t size = 0;
  for (Place next = after(place); next.at != end_; next = after(next)) {
    if (next.key != filler_key) size += chunk_size(next.length);
  }
  return size;
}

// Puts a chain in the place of a chunk and all that follow it. It is written into a filler at the
// end first, behind `head` bytes, and swapped in; from there it is copied back to where the old one
// was, and the end is taken back.
void Variables::replace_chain(const Place& place, const std::vector<Chunk>& chain,
                              std::size_t head) {
  const std::size_t size = size_of(chain);
  const std::size_t upper = end_ + head;
  append(filler_key, {}, head + size);
  write_chain(upper, chain);
  point(place, upper);
  if (place.at + size > upper) return;

  write_chain(place.at, chain);
  point(place, place.at);
  cut(place.at + size - chain.back().size, chain.back().size);
}

// The last one of the chain reaches up to the end of the table.
void Variables::write_chain(std::size_t at, std::span<const Chunk> chain) {
  for (const Chunk& piece : chain) {
    const bool last = &piece == &chain.back();
    write_chunk(at, piece.key, piece.text, last ? end_ - at : piece.size);
    at += piece.size;
  }
}

// Shortens the last chunk, and with it the table.
void Variables::cut(std::size_t last, std::size_t size) {
  write_chunk(last + size, filler_key, {}, end_ - last - size);
  store(last + chunk::next, static_cast<Word>(size));
  move_end(last + size);
}

// In few steps, whatever the place.
bool Variables::is_far(const Place& place) const {
  constexpr int near = 16;              // so few take no time that could be told
  if (place.before == 0) return false;  // a count stands first, nearly always
  Place other = first();
  for (int passed = 0; passed < near && other.at < place.at; ++passed) other = after(other);
  return other.at < place.at;
}

// Only where every step after this one will have its room and its alignment. False also where that
// cannot be told, because of what stands behind. What takes long to tell comes last.
bool Variables::can_come_forward(const Place& place) const try {
  constexpr std::size_t most_given_up = 2 * count_room;
  const bool aligned =
      is_aligned(bytes_, place.at) && is_aligned(bytes_, place.before) && is_aligned(bytes_, end_);
  if (!aligned || !place.has_room() || free_bytes() < end_ - place.end()) return false;
  std::vector<Place> moving = in_the_way();
  if (!moving.empty() && moving.back().end() - start_ > most_given_up) return false;
  if (free_bytes() < room_to_come_forward(place, moving)) return false;
  moving.push_back(place);
  return are_single(moving);
} catch (const Damaged&) {
  return false;
}

// What stands where a number that comes forward has its room.
std::vector<Variables::Place> Variables::in_the_way() const {
  const std::size_t until = front() + count_room;
  std::vector<Place> found;
  for (Place other = first(); other.at < until; other = after(other)) found.push_back(other);
  return found;
}

std::size_t Variables::room_to_come_forward(const Place& place,
                                            const std::vector<Place>& moving) const {
  std::size_t moved = 0;
  for (const Place& other : moving) moved += chunk_size(other.length);
  const std::size_t behind = size_behind(place) + moved;
  return behind == 0 ? 0 : moved + chunk::least + behind + chunk_size(place.length);
}

// What moves must not be there a second time: the wrong one would be the first then.
bool Variables::are_single(const std::vector<Place>& places) const {
  for (Place other = first(); other.at != end_; other = after(other)) {
    if (other.key == filler_key) continue;
    const auto hides = [&](const Place& place) {
      return place.key == other.key && place.at < other.at;
    };
    if (std::any_of(places.begin(), places.end(), hides)) return false;
  }
  return true;
}

// Each of the steps is true by one store, and leaves all variables there once.
void Variables::bring_forward(Place place, std::string_view text) {
  const std::size_t at = front();
  while (start_ < at + count_room) move_first_to_end();
  absorb_fillers(place);
  const std::size_t last = place.end() == end_ ? place.at : move_to_end(place);
  write_chunk(at, place.key, text, start_ - at);
  move_ends(at, last);
}

void Variables::move_first_to_end() {
  const Place place = first();
  const std::size_t size = chunk_size(place.length);
  if (free_bytes() < size) no_room(size);
  write_chunk(end_, place.key, text_of(place), size);
  move_ends(place.end(), end_ + size);
}

// Returns where it is then.
std::size_t Variables::move_to_end(const Place& place) {
  std::vector<Chunk> chain = chain_behind(place);
  const std::size_t size = chunk_size(place.length);
  chain.push_back({place.key, text_of(place), size});
  replace_chain(place, chain, chunk::least);
  return end_ - size;
}

}  // namespace sysv
