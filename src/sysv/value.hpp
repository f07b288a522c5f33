#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sysv {

// An integer in PHP's serialize() text: "i:-5;".
std::string serialized(std::int64_t value);

// The integer that PHP's unserialize() would read: a sign and leading zeros are fine, bytes after
// the first complete value are ignored. None: another type, damaged, or beyond 64 bits.
std::optional<std::int64_t> integer_in(std::string_view text);

// What an element of an array is found by: an integer, or a string of any bytes. As in PHP a
// string that is an integer in its shortest decimal form is that integer: "7" is 7, and "07",
// "+7", "-0" and "9223372036854775808" are strings. Ordered: integers first.
class ArrayKey {
 public:
  ArrayKey(std::signed_integral auto number) : data_(std::int64_t{number}) {}
  ArrayKey(std::string text);
  ArrayKey(const char* text) : ArrayKey(std::string(text)) {}

  // The one that it is; nullptr: it is the other.
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&data_); }
  const std::string* text() const { return std::get_if<std::string>(&data_); }

  bool operator==(const ArrayKey&) const = default;
  friend bool operator<(const ArrayKey& one, const ArrayKey& other) {
    return one.data_ < other.data_;
  }

 private:
  std::variant<std::int64_t, std::string> data_;
};

class Value;
struct Element;

// PHP's array: elements in the order in which they came, each with a key of its own.
class Array {
 public:
  Array();
  Array(const Array& other);
  Array(Array&& other) noexcept;
  Array& operator=(const Array& other);
  Array& operator=(Array&& other) noexcept;
  ~Array();

  // Of several elements with one key there stays one: at the place of the first, with the value of
  // the last. O(n log n).
  Array(std::vector<Element> elements);
  Array(std::initializer_list<Element> elements);

  // The values with the keys 0, 1, 2 …
  static Array list(std::vector<Value> values);

  const std::vector<Element>& elements() const { return elements_; }

  // The value of that key; nullptr if there is none. O(n).
  const Value* find(const ArrayKey& key) const;

  // Changes the value where it stands, or adds it at the end. O(n).
  void set(ArrayKey key, Value value);

  friend bool operator==(const Array& one, const Array& other);

 private:
  void unite_same_keys();

  std::vector<Element> elements_;
};

// A value that only PHP can make sense of, as its exact serialize() text: an object (O:), an enum
// case (E:), an object that wrote its own text (C:), or a reference to a value that came before it
// (r: and R:). REQUIRES: the text is one complete value.
// A reference counts values from the start of the whole text, itself excepted if it is R:. It stays
// right as long as what stands before it stays: put nothing before it, take nothing away.
struct Opaque {
  std::string text;

  bool operator==(const Opaque&) const = default;
};

using Null = std::monostate;

// Any value that PHP's serialize() can write (PHP 8.2 to 8.6, 64 bits). A plain value: copies are
// deep, nothing is shared. Only to copy and to compare takes stack for each array inside another,
// some 100 bytes. Strings are bytes, with no character set. Compares as C++ does: NAN
// differs from itself, -0.0 equals 0.0, and arrays are equal only in the same order.
class Value {
 public:
  using Data = std::variant<Null, bool, std::int64_t, double, std::string, Array, Opaque>;

  Value() = default;  // null
  Value(std::same_as<bool> auto truth) : data_(truth) {}
  Value(std::signed_integral auto number) : data_(std::int64_t{number}) {}
  Value(double number) : data_(number) {}
  Value(std::string bytes) : data_(std::move(bytes)) {}
  Value(const char* text) : data_(std::string(text)) {}
  Value(Array array) : data_(std::move(array)) {}
  Value(Opaque opaque) : data_(std::move(opaque)) {}

  // The value as a T of Data; nullptr if it is none. No conversion: 1.0 is not 1.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  const Data& data() const { return data_; }

  friend bool operator==(const Value& one, const Value& other);

 private:
  friend class Array;

  Data data_;
};

struct Element {
  ArrayKey key;
  Value value;
};

}  // namespace sysv
