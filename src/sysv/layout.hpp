#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// The bytes of a segment, as PHP 8.2 to 8.6 on 64-bit Linux writes them (ext/sysvshm) and as we do.
// Native endian; every number is a signed 64-bit word; offsets count from the start of the segment.
//
//   0        40                            start                        end             size
//   | header | private area, ours alone    | chunk | chunk | …          | free           |
//
// PHP makes segments without a private area (start = 40). It follows `start` and every chunk's
// `next` as they stand, so room before `start`, and room between a chunk's text and the next
// chunk, are both fine with it. `Variables` (variables.hpp) builds on that.
namespace sysv::layout {

using Word = std::int64_t;
constexpr std::size_t word_size = sizeof(Word);

// Header. PHP compares seven bytes of magic, "PHP_SM" and NUL; the eighth it neither reads nor
// writes. `total` it writes once and never reads: the size is what the kernel says.
namespace header {
constexpr std::size_t magic = 0;
constexpr std::size_t start = 8;   // offset of the first chunk
constexpr std::size_t end = 16;    // offset just past the last chunk
constexpr std::size_t free = 24;   // size - end
constexpr std::size_t total = 32;  // size
constexpr std::size_t size = 40;
}  // namespace header
constexpr std::array<char, 7> magic = {'P', 'H', 'P', '_', 'S', 'M', '\0'};

// Chunk: one variable. `length` bytes of serialize() text follow these three words.
namespace chunk {
constexpr std::size_t key = 0;
constexpr std::size_t length = 8;
constexpr std::size_t next = 16;  // distance to the next chunk: 24 + length + at least 8
constexpr std::size_t text = 24;
constexpr std::size_t least = 32;  // the smallest chunk, with no text
}  // namespace chunk

// What PHP gives a chunk with that much text: 24 + length + 8 … 15, a multiple of 8.
constexpr std::size_t chunk_size(std::size_t length) { return (length + 39) & ~std::size_t{7}; }
static_assert(chunk_size(0) == chunk::least && chunk_size(8) == 40 && chunk_size(9) == 48);

// A chunk of ours that holds room and no variable, for the moments in which an update is under way
// and after a death in one of them. PHP sees a variable of this odd key. ("visits" with the top
// bit set: a negative key that no hash or counter comes by.)
constexpr Word filler_key = static_cast<Word>(0x8000'7374'6973'6976U);

// Private area of the segments that we make.
namespace own {
constexpr std::size_t magic = 40;       // written before everything else
constexpr std::size_t version = 48;     // of this area: 1
constexpr std::size_t generation = 56;  // when the segment was made, in ns since 1970: its name
constexpr std::size_t journal = 64;     // room for the next text of the first variable
constexpr std::size_t size = 176;       // `start` of a fresh segment
}  // namespace own
constexpr Word own_magic = 0x7374'6973'6976;  // "visits" and two NULs, little-endian
constexpr Word own_version = 1;

// Room in which any integer is put anew for ever, by two variants in turn: for two of them and one
// that is being outgrown. The first variable has it in the journal and its own place.
constexpr std::size_t longest_integer = 23;  // i:-9223372036854775808;
constexpr std::size_t count_room = 2 * chunk_size(16) + chunk_size(longest_integer);
static_assert(own::size - own::journal + chunk_size(4) >= count_room);
static_assert(header::end == header::start + word_size);  // so that one store can change both

}  // namespace sysv::layout
