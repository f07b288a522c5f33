#include "sysv/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <numeric>

#include "sysv/reader.hpp"

namespace sysv {
namespace {

std::optional<std::int64_t> canonical_integer(const std::string& text) {
  std::int64_t number = 0;
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, number);
  if (error != std::errc{} || end != past || std::to_string(number) != text) return std::nullopt;
  return number;
}

// The places of the elements, those with the same key one after the other, the oldest first.
std::vector<std::size_t> ordered_by_key(const std::vector<Element>& elements) {
  std::vector<std::size_t> places(elements.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return elements[a].key < elements[b].key; });
  return places;
}

auto has(const ArrayKey& key) {
  return [&key](const Element& element) { return element.key == key; };
}

bool ascends(const std::vector<Element>& elements) {
  const auto no_step_up = [](const Element& a, const Element& b) { return !(a.key < b.key); };
  return std::adjacent_find(elements.begin(), elements.end(), no_step_up) == elements.end();
}

}  // namespace

std::string serialized(std::int64_t value) {
  std::array<char, 20> digits;
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  std::string text("i:");
  text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  text.push_back(';');
  return text;
}

std::optional<std::int64_t> integer_in(std::string_view text) {
  Reader reader(text);
  if (!reader.take("i:")) return std::nullopt;
  const auto value = reader.integer();
  return value && reader.take(";") ? value : std::nullopt;
}

ArrayKey::ArrayKey(std::string text) {
  if (const auto number = canonical_integer(text)) {
    data_ = *number;
  } else {
    data_ = std::move(text);
  }
}

// Here, where Element is complete.
Array::Array() = default;
Array::Array(const Array& other) = default;
Array::Array(Array&& other) noexcept = default;
Array& Array::operator=(const Array& other) = default;
Array& Array::operator=(Array&& other) noexcept = default;

// One after the other, with those of inner arrays: values inside values would need stack for each
// level, and there may be 4096 of them.
Array::~Array() {
  std::vector<Element> doomed = std::move(elements_);
  while (!doomed.empty()) {
    Element last = std::move(doomed.back());
    doomed.pop_back();
    if (auto* inner = std::get_if<Array>(&last.value.data_)) {
      std::move(inner->elements_.begin(), inner->elements_.end(), std::back_inserter(doomed));
      inner->elements_.clear();
    }
  }
}

Array::Array(std::vector<Element> elements) : elements_(std::move(elements)) { unite_same_keys(); }

Array::Array(std::initializer_list<Element> elements) : elements_(elements) { unite_same_keys(); }

Array Array::list(std::vector<Value> values) {
  Array array;
  array.elements_.reserve(values.size());
  for (Value& value : values) {
    array.elements_.push_back({std::ssize(array.elements_), std::move(value)});
  }
  return array;
}

const Value* Array::find(const ArrayKey& key) const {
  const auto found = std::find_if(elements_.begin(), elements_.end(), has(key));
  return found == elements_.end() ? nullptr : &found->value;
}

void Array::set(ArrayKey key, Value value) {
  const auto found = std::find_if(elements_.begin(), elements_.end(), has(key));
  if (found != elements_.end()) {
    found->value = std::move(value);
  } else {
    elements_.push_back({std::move(key), std::move(value)});
  }
}

bool operator==(const Array& one, const Array& other) {
  return std::equal(
      one.elements_.begin(), one.elements_.end(), other.elements_.begin(), other.elements_.end(),
      [](const Element& a, const Element& b) { return a.key == b.key && a.value == b.value; });
}

bool operator==(const Value& one, const Value& other) { return one.data_ == other.data_; }

void Array::unite_same_keys() {
  if (ascends(elements_)) return;
  const std::vector<std::size_t> places = ordered_by_key(elements_);
  std::vector<bool> outdone(elements_.size());
  std::size_t first = places.front();
  for (const std::size_t place : places) {
    outdone[place] = place != first && elements_[place].key == elements_[first].key;
    if (outdone[place]) {
      elements_[first].value = std::move(elements_[place].value);
    } else {
      first = place;
    }
  }
  std::size_t next = 0;
  std::erase_if(elements_, [&](const Element&) { return outdone[next++]; });
}

}  // namespace sysv
