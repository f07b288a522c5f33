#include "os/escape.hpp"

#include <algorithm>

namespace os {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

// Up to four bytes of the text, and what stands for them.
struct Piece {
  std::size_t taken = 1;
  char shown[8] = {};
  std::size_t length = 0;

  void add(std::string_view text) {
    for (const char c : text) shown[length++] = c;
  }
  void add_hex(std::string_view prefix, unsigned char byte) {
    add(prefix);
    shown[length++] = digits[byte >> 4U];
    shown[length++] = digits[byte & 0xfU];
  }
};

bool is_control(unsigned char byte) { return byte < 0x20 || byte == 0x7f; }

Piece printable_piece(std::string_view text) {
  Piece piece;
  const auto byte = static_cast<unsigned char>(text.front());
  piece.taken = std::max<std::size_t>(character_length(text), 1);
  if (is_control(byte)) {
    piece.add_hex("\\x", byte);
  } else {
    piece.add(text.substr(0, piece.taken));
  }
  return piece;
}

Piece json_piece(std::string_view text) {
  Piece piece;
  const auto byte = static_cast<unsigned char>(text.front());
  const std::size_t length = character_length(text);
  piece.taken = std::max<std::size_t>(length, 1);
  if (length == 0) {
    piece.add_hex("\\\\x", byte);
  } else if (byte == '"' || byte == '\\') {
    piece.add("\\");
    piece.add(text.substr(0, 1));
  } else if (byte == '\n') {
    piece.add("\\n");
  } else if (is_control(byte)) {
    piece.add_hex("\\u00", byte);
  } else {
    piece.add(text.substr(0, length));
  }
  return piece;
}

template <class PieceOf>
std::size_t append(std::string& out, std::string_view text, std::size_t room, PieceOf piece_of) {
  std::size_t done = 0;
  while (done < text.size()) {
    const Piece piece = piece_of(text.substr(done));
    if (piece.length > room) break;
    out.append(piece.shown, piece.length);
    room -= piece.length;
    done += piece.taken;
  }
  return done;
}

}  // namespace

std::size_t append_printable(std::string& out, std::string_view text, std::size_t room) {
  return append(out, text, room, printable_piece);
}

std::size_t append_json(std::string& out, std::string_view text, std::size_t room) {
  return append(out, text, room, json_piece);
}

// No overlong forms, no surrogates, nothing past U+10FFFF.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (text.empty() || lead < 0x80) return std::min<std::size_t>(text.size(), 1);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  return length;
}

}  // namespace os
