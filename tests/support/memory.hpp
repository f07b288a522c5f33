#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysv/layout.hpp"

namespace support {

// A segment's bytes without a segment, and pens to write any table into them, sound or not.
class Memory {
 public:
  explicit Memory(std::size_t size) : words_((size + 7) / 8), size_(size) {}

  std::span<std::byte> bytes() { return {reinterpret_cast<std::byte*>(words_.data()), size_}; }

  void set(std::size_t offset, std::int64_t value) {
    std::memcpy(bytes().data() + offset, &value, sizeof value);
  }
  std::int64_t get(std::size_t offset) {
    std::int64_t value = 0;
    std::memcpy(&value, bytes().data() + offset, sizeof value);
    return value;
  }

  // A header as PHP writes it, for a table that ends at `end`.
  void header(std::int64_t end = 40) {
    namespace at = sysv::layout::header;
    std::memcpy(bytes().data(), sysv::layout::magic.data(), sysv::layout::magic.size());
    set(at::start, 40);
    set(at::end, end);
    set(at::free, static_cast<std::int64_t>(size_) - end);
    set(at::total, static_cast<std::int64_t>(size_));
  }

  // A chunk as PHP writes it; returns where the next one goes.
  std::size_t chunk(std::size_t offset, std::int64_t key, std::string_view text) {
    namespace at = sysv::layout::chunk;
    const std::size_t size = sysv::layout::chunk_size(text.size());
    set(offset + at::key, key);
    set(offset + at::length, static_cast<std::int64_t>(text.size()));
    set(offset + at::next, static_cast<std::int64_t>(size));
    std::memcpy(bytes().data() + offset + at::text, text.data(), text.size());
    return offset + size;
  }

  std::string copy() { return {reinterpret_cast<const char*>(words_.data()), size_}; }

 private:
  std::vector<std::int64_t> words_;
  std::size_t size_;
};

}  // namespace support
