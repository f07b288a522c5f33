#include "sysv/diagnosis.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <unordered_set>

#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

namespace sysv {

using namespace layout;  // NOLINT(google-build-using-namespace): this file is about the layout

namespace {

using Bytes = std::span<const std::byte>;
using Weight = Finding::Weight;

Word load(Bytes bytes, std::size_t offset) {
  Word word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

bool is_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

bool has_magic(Bytes bytes) {
  return bytes.size() >= header::size && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

Word magic_word() {
  Word word = 0;
  std::memcpy(&word, magic.data(), magic.size());
  return word;
}

bool lies_in(Word value, std::size_t least, std::size_t most) {
  return value >= 0 && static_cast<std::size_t>(value) >= least &&
         static_cast<std::size_t>(value) <= most;
}

// Where the variables begin right behind the header, it is a variable that has this odd key.
bool has_own_area(Bytes bytes) {
  return bytes.size() >= own::size && load(bytes, own::magic) == own_magic &&
         !lies_in(load(bytes, header::start), header::size, own::journal - 1);
}

std::string_view text_at(Bytes bytes, std::size_t offset, std::size_t length) {
  return {reinterpret_cast<const char*>(bytes.data() + offset), length};
}

std::string shown(Word value) { return std::to_string(value); }

// A chunk as it stands, or as it can be told to have been.
struct Piece {
  std::size_t at;
  Word key;
  std::size_t length;
  std::size_t next;

  std::size_t end() const { return at + next; }
};

// Whether a chunk may begin there, as far as its three words tell.
std::optional<Piece> piece_at(Bytes bytes, std::size_t at, std::size_t end) {
  if (at > end || end - at < chunk::text) return std::nullopt;
  const Word length = load(bytes, at + chunk::length);
  const Word next = load(bytes, at + chunk::next);
  if (!lies_in(length, 0, end - at - chunk::text)) return std::nullopt;
  const auto size = static_cast<std::size_t>(length);
  if (!lies_in(next, chunk::text + size, end - at)) return std::nullopt;
  return Piece{at, load(bytes, at + chunk::key), size, static_cast<std::size_t>(next)};
}

bool has_value(Bytes bytes, const Piece& piece) {
  return unserialize(text_at(bytes, piece.at + chunk::text, piece.length)).has_value();
}

bool decodes(Bytes bytes, const Piece& piece) {
  return piece.key == filler_key || has_value(bytes, piece);
}

class Examination {
 public:
  explicit Examination(Bytes bytes) : bytes_(bytes) {}

  Diagnosis run() {
    if (!looks_like_a_table()) return result_;
    result_.is_repairable = true;
    if (was_never_finished()) return result_;
    result_.is_table = true;
    read_header();
    walk();
    check_counts();
    fill_in();
    settle_counts();
    return result_;
  }

 private:
  void find(Weight weight, std::size_t offset, std::string what) {
    result_.findings.push_back({weight, offset, std::move(what)});
  }
  void damage(std::size_t offset, std::string what) {
    find(Weight::damage, offset, std::move(what));
  }

  void store(std::size_t offset, Word word) { result_.mending.push_back({offset, word}); }
  void store(std::size_t offset, std::size_t number) { store(offset, static_cast<Word>(number)); }
  void settle(std::size_t offset, std::size_t number) {
    if (load(bytes_, offset) != static_cast<Word>(number)) store(offset, number);
  }

  // The numbers that no reader needs to find a variable come last.
  void settle_counts() {
    settle(header::end, end_);
    settle(header::free, bytes_.size() - end_);
    settle(header::total, bytes_.size());
  }

  // An empty table. The end first: the start alone would be a table whose end is lost.
  void settle_empty(std::size_t start) {
    result_.start = end_ = start;
    settle(header::end, start);
    settle(header::start, start);
    settle_counts();
  }

  bool looks_like_a_table() {
    const bool magic = has_magic(bytes_);
    if (magic) return true;
    if (bytes_.size() < header::size) {
      damage(0, shown(static_cast<Word>(bytes_.size())) + " bytes are too few for a header of 40");
    } else if (is_zero(bytes_)) {
      damage(0, "no table yet: every byte is 0");
    } else if (has_own_area(bytes_) && is_zero(bytes_.first(word_size)) &&
               is_zero(bytes_.subspan(own::journal))) {
      result_.is_repairable = true;
      damage(0,
             "the header was never finished: its writer died before the magic; nothing was in it");
      settle_empty(own::size);
      store(header::magic, magic_word());
    } else {
      damage(0, "not a table of PHP's: no PHP_SM at its start");
    }
    return false;
  }

  // PHP's states I1 and I2: the magic alone, or start and end with it.
  bool was_never_finished() {
    const Word start = load(bytes_, header::start);
    const bool counted = load(bytes_, header::free) != 0 || load(bytes_, header::total) != 0;
    const bool begun = start == load(bytes_, header::end) &&
                       (start == 0 || start == static_cast<Word>(header::size));
    if (counted || !begun || bytes_.size() == header::size) return false;
    damage(header::start,
           "the header was never finished: its writer died after the magic; nothing was in it, and "
           "nothing can be put");
    settle_empty(header::size);
    return true;
  }

  void read_header() {
    const Word end = load(bytes_, header::end);
    end_is_lost_ = !lies_in(end, header::size, bytes_.size());
    end_ = end_is_lost_ ? bytes_.size() : static_cast<std::size_t>(end);
    if (end_is_lost_) damage(header::end, "end is " + shown(end) + ", not 40 to " + most());
    const Word start = load(bytes_, header::start);
    const bool sound = lies_in(start, header::size, end_);
    result_.start = sound ? static_cast<std::size_t>(start) : probable_start();
    if (sound) return;
    store(header::start, result_.start);
    damage(header::start, "start is " + shown(start) + ", not 40 to " +
                              shown(static_cast<Word>(end_)) + "; chunks are looked for from " +
                              shown(static_cast<Word>(result_.start)));
  }

  std::string most() const { return std::to_string(bytes_.size()); }

  std::size_t probable_start() const {
    if (!has_own_area(bytes_)) return header::size;
    return piece_at(bytes_, own::size, end_) ? own::size : own::journal;
  }

  void walk() {
    std::size_t at = result_.start;
    while (at < end_) {
      auto piece = piece_at(bytes_, at, end_);
      if (!piece) piece = mended(at);
      if (!piece) break;
      lengthen(*piece);
      pieces_.push_back(*piece);
      at = piece->end();
    }
    if (end_is_lost_) return move_end(at);
    if (at < end_) give_up(at);
    if (at > end_) move_end(at);
  }

  void move_end(std::size_t at) { end_ = at; }

  void give_up(std::size_t at) {
    damage(at, std::to_string(end_ - at) + " bytes up to the end, at " + std::to_string(end_) +
                   ", hold no chunk that could be told");
    move_end(at);
  }

  // For a chunk whose words cannot be true.
  std::optional<Piece> mended(std::size_t at) {
    const bool has_words = end_ - at >= chunk::text;
    if (has_words) {
      if (const auto piece = with_next(at)) return piece;
    }
    if (const auto piece = cut_off(at)) return piece;
    return has_words ? with_length(at) : std::nullopt;
  }

  // The chunk is sound but for the table's end, which lies inside it: a PHP process died after it
  // had taken a removed chunk's size from the end, and before it moved the rest. Then the true end
  // is that size further on.
  std::optional<Piece> cut_off(std::size_t at) {
    const auto straddling = piece_at(bytes_, at, bytes_.size());
    if (!straddling || straddling->end() <= end_ || !decodes(bytes_, *straddling)) {
      return std::nullopt;
    }
    const std::size_t end = true_end(*straddling).value_or(straddling->end());
    damage(header::end, "end is " + std::to_string(end_) + ", inside the chunk at " +
                            std::to_string(at) + "; by the chunks it is " + std::to_string(end));
    end_ = end;
    return straddling;
  }

  std::optional<std::size_t> true_end(Piece piece) const {
    std::vector<Piece> walked = pieces_;
    for (;;) {
      walked.push_back(piece);
      const std::size_t surplus = piece.end() - end_;
      if (std::any_of(walked.begin(), walked.end(),
                      [&](const Piece& removed) { return removed.next == surplus; })) {
        return piece.end();
      }
      const auto next = piece_at(bytes_, piece.end(), bytes_.size());
      if (!next || !decodes(bytes_, *next)) return std::nullopt;
      piece = *next;
    }
  }

  bool fits_behind(std::size_t at) const { return at == end_ || piece_at(bytes_, at, end_); }

  // The length is sound: the next chunk is where PHP would have put it, if it is there. (A filler
  // with a length that is no text's is a chunk whose mending was begun: its length is what is
  // wrong.)
  std::optional<Piece> with_next(std::size_t at) {
    const Word length = load(bytes_, at + chunk::length);
    if (!lies_in(length, 0, end_ - at - chunk::text)) return std::nullopt;
    const auto size = static_cast<std::size_t>(length);
    const std::size_t next = chunk_size(size);
    const Piece piece{at, load(bytes_, at + chunk::key), size, next};
    if (next > end_ - at || !fits_behind(at + next)) return std::nullopt;
    if (size == 0 ? !decodes(bytes_, piece) : !has_value(bytes_, piece)) return std::nullopt;
    damage(at + chunk::next, "next of the chunk at " + std::to_string(at) + " is " +
                                 shown(load(bytes_, at + chunk::next)) + "; by its text it is " +
                                 std::to_string(next));
    store(at + chunk::next, next);
    return piece;
  }

  // The next is sound: the text says itself how long it is.
  std::optional<Piece> with_length(std::size_t at) {
    const Word next = load(bytes_, at + chunk::next);
    if (!lies_in(next, chunk::least, end_ - at)) return std::nullopt;
    Piece piece{at, load(bytes_, at + chunk::key), 0, static_cast<std::size_t>(next)};
    if (!fits_behind(piece.end())) return std::nullopt;
    const auto length = length_by_text(piece);
    tell_length(piece,
                length ? "by its text it is " + std::to_string(*length) : "its value is lost");
    piece.length = length.value_or(0);
    if (!length) store(at + chunk::key, piece.key = filler_key);
    store(at + chunk::length, piece.length);
    return piece;
  }

  // For a chunk in its place whose length cuts its value short.
  void lengthen(Piece& piece) {
    if (decodes(bytes_, piece)) return;
    const auto length = length_by_text(piece);
    if (!length) return;
    tell_length(piece, "by its text it is " + std::to_string(*length));
    store(piece.at + chunk::length, piece.length = *length);
  }

  std::optional<std::size_t> length_by_text(const Piece& piece) const {
    const auto room = text_at(bytes_, piece.at + chunk::text, piece.next - chunk::text);
    const auto value = unserialize(room);
    if (!value) return std::nullopt;
    const std::string text = serialize(*value);
    if (!room.starts_with(text)) return std::nullopt;
    return text.size();
  }

  void tell_length(const Piece& piece, const std::string& truth) {
    damage(piece.at + chunk::length, "length of the chunk at " + std::to_string(piece.at) + " is " +
                                         shown(load(bytes_, piece.at + chunk::length)) + "; " +
                                         truth);
  }

  void check_counts() {
    const Word free = static_cast<Word>(bytes_.size() - end_);
    if (load(bytes_, header::free) != free) {
      damage(header::free, "free is " + shown(load(bytes_, header::free)) +
                               "; behind the end are " + shown(free));
    }
    const Word total = load(bytes_, header::total);
    if (total == static_cast<Word>(bytes_.size())) return;
    find(Weight::note, header::total, "total is " + shown(total) + ", the segment has " + most());
  }

  void fill_in() {
    std::unordered_set<Word> seen;
    for (const Piece& piece : pieces_) {
      if (piece.key == filler_key) {
        find(
            Weight::note, piece.at,
            "an empty chunk of " + std::to_string(piece.next) + " bytes, left over from an update");
      } else if (seen.insert(piece.key).second) {
        keep(piece);
      } else {
        damage(piece.at, "variable " + shown(piece.key) +
                             " a second time, hidden behind the first; to remove the first would "
                             "bring it to light");
        store(piece.at + chunk::key, filler_key);
      }
    }
  }

  void keep(const Piece& piece) {
    const auto text = text_at(bytes_, piece.at + chunk::text, piece.length);
    result_.variables.push_back({piece.key, std::string(text)});
    if (decodes(bytes_, piece)) return;
    damage(piece.at + chunk::text, "variable " + shown(piece.key) + ": its " +
                                       std::to_string(piece.length) +
                                       " bytes are no value that PHP could read");
  }

  Bytes bytes_;
  Diagnosis result_{};
  std::size_t end_ = 0;
  bool end_is_lost_ = false;
  std::vector<Piece> pieces_;
};

}  // namespace

std::optional<Header> header_in(std::span<const std::byte> bytes) {
  if (!has_magic(bytes)) return std::nullopt;
  Header found{.start = load(bytes, header::start),
               .end = load(bytes, header::end),
               .free = load(bytes, header::free),
               .total = load(bytes, header::total),
               .generation = {}};
  if (has_own_area(bytes)) found.generation = load(bytes, own::generation);
  return found;
}

bool Diagnosis::is_sound() const {
  return is_table && std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
           return finding.weight == Finding::Weight::damage;
         });
}

Diagnosis diagnosis_of(std::span<const std::byte> bytes) { return Examination(bytes).run(); }

void mend(std::span<std::byte> bytes, const Diagnosis& diagnosis) {
  for (const auto& [offset, word] : diagnosis.mending) {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // in this order, as a killer sees it
    std::memcpy(bytes.data() + offset, &word, sizeof word);
  }
}

}  // namespace sysv
