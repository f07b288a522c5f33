#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "sysv/layout.hpp"

// The words of a segment that other processes may read, write, and be killed over: what is read is
// read exactly once, into a copy, and what is stored is there in whole or not at all.
// (variables.cpp is made of these; in line, because a walk over a large table is nothing else.)
namespace sysv {

inline bool is_aligned(std::span<const std::byte> bytes, std::size_t offset) {
  return reinterpret_cast<std::uintptr_t>(bytes.data() + offset) % layout::word_size == 0;
}

inline std::atomic_ref<layout::Word> word_at(std::byte* address) {
  return std::atomic_ref<layout::Word>(*reinterpret_cast<layout::Word*>(address));
}

// Byte by byte through volatile: read exactly once, at any address.
inline layout::Word load_unaligned(const std::byte* address) {
  std::array<std::byte, layout::word_size> copy{};
  for (std::size_t i = 0; i < copy.size(); ++i) {
    copy[i] = static_cast<const volatile std::byte*>(address)[i];
  }
  layout::Word word = 0;
  std::memcpy(&word, copy.data(), copy.size());
  return word;
}

// REQUIRES, as do all below: what is read or stored lies inside.
inline layout::Word load_at(std::span<const std::byte> bytes, std::size_t offset) {
  const std::byte* const address = bytes.data() + offset;
  if (!is_aligned(bytes, offset)) return load_unaligned(address);
  return word_at(const_cast<std::byte*>(address)).load(std::memory_order_relaxed);
}

// What a chunk says of itself.
struct Head {
  layout::Word key;
  layout::Word length;
  layout::Word next;
};

[[gnu::noinline]] inline Head unaligned_head_at(const std::byte* address) {
  return {load_unaligned(address + layout::chunk::key),
          load_unaligned(address + layout::chunk::length),
          load_unaligned(address + layout::chunk::next)};
}

// Always in line, so that a walk over a large table has it in registers: to go through memory from
// one chunk to the next would take three times as long.
[[gnu::always_inline]] inline Head head_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::byte* const address = const_cast<std::byte*>(bytes.data() + offset);
  if (!is_aligned(bytes, offset)) return unaligned_head_at(address);
  const auto load = [&](std::size_t at) {
    return word_at(address + at).load(std::memory_order_relaxed);
  };
  return {load(layout::chunk::key), load(layout::chunk::length), load(layout::chunk::next)};
}

// What ran before a store has reached memory before it, and nothing after it has: a process that is
// killed stops between two instructions, so it is the compiler alone that must keep the order.
// REQUIRES: is_aligned().
inline void store_at(std::span<std::byte> bytes, std::size_t offset, layout::Word value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  word_at(bytes.data() + offset).store(value, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// 16 bytes in one instruction, which a kill cannot cut in two: x86-64 and AArch64 have it for any
// vector of that size, and tests/interop/kill_test.cpp kills at each instruction to see that this
// compiler uses it. REQUIRES: is_aligned().
constexpr std::size_t wide_size = 16;
using Wide [[gnu::vector_size(wide_size), gnu::aligned(layout::word_size), gnu::may_alias]] =
    unsigned char;

inline void store_wide_at(std::span<std::byte> bytes, std::size_t offset, Wide value) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  *reinterpret_cast<volatile Wide*>(bytes.data() + offset) = value;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Fills up with zeros.
inline void store_wide_at(std::span<std::byte> bytes, std::size_t offset, std::string_view text) {
  Wide value{};
  std::memcpy(&value, text.data(), std::min(text.size(), wide_size));
  store_wide_at(bytes, offset, value);
}

// Two words that are neighbours.
using Pair = std::array<layout::Word, 2>;

inline void store_pair_at(std::span<std::byte> bytes, std::size_t offset, const Pair& words) {
  static_assert(sizeof words == wide_size);
  Wide value{};
  std::memcpy(&value, words.data(), wide_size);
  store_wide_at(bytes, offset, value);
}

}  // namespace sysv
