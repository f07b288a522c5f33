#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "fuzz/require.hpp"
#include "sysv/layout.hpp"
#include "sysv/variables.hpp"

// Any bytes as a segment, and a few changes to the table that they are, if they are one. The input
// begins with the segment; its last bytes are what is done with it.

namespace {

namespace layout = sysv::layout;
using fuzz::require;
using sysv::Variable;
using sysv::Variables;
using Bytes = std::span<std::byte>;

// What a table holds, up to the first chunk that contradicts it: read here once more, without the
// code under test. REQUIRES: Variables took the header.
struct View {
  std::vector<Variable> variables;
  std::vector<std::size_t> room;  // that each takes when it is written anew
  bool whole = true;              // no chunk contradicts the table
  bool aligned = true;            // every number that may have to be stored is
};

std::int64_t word(Bytes bytes, std::size_t offset) {
  std::int64_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

View view_of(Bytes bytes) {
  View view;
  auto at = static_cast<std::size_t>(word(bytes, layout::header::start));
  const auto end = static_cast<std::size_t>(word(bytes, layout::header::end));
  view.aligned = end % layout::word_size == 0;
  while (at < end) {
    const auto left = static_cast<std::int64_t>(end - at);
    const std::int64_t length = left < 24 ? -1 : word(bytes, at + layout::chunk::length);
    view.whole = length >= 0 && length <= left - 24 &&
                 word(bytes, at + layout::chunk::next) >= 24 + length &&
                 word(bytes, at + layout::chunk::next) <= left;
    if (!view.whole) return view;
    view.aligned = view.aligned && at % layout::word_size == 0;
    const auto size = static_cast<std::size_t>(length);
    const char* const text = reinterpret_cast<const char*>(bytes.data()) + at + layout::chunk::text;
    if (word(bytes, at) != layout::filler_key) {
      view.variables.push_back({word(bytes, at), std::string(text, size)});
      view.room.push_back(layout::chunk_size(size));
    }
    at += static_cast<std::size_t>(word(bytes, at + layout::chunk::next));
  }
  return view;
}

std::size_t place_of(const View& view, std::int64_t key) {
  const auto& all = view.variables;
  return static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(), [&](const Variable& v) { return v.key == key; }) -
      all.begin());
}

// What Variables promises of the room for an update (variables.hpp).
std::size_t room_for_update(const View& view, std::size_t place, std::size_t need) {
  return std::accumulate(view.room.begin() + static_cast<std::ptrdiff_t>(place) + 1,
                         view.room.end(), 2 * need);
}

// One table and what it should hold.
class Table {
 public:
  explicit Table(Bytes bytes) : bytes_(bytes), expected_(view_of(bytes)) { compare(); }

  void get(std::int64_t key) {
    const std::size_t place = place_of(expected_, key);
    attempt([&](const Variables& variables) {
      const auto found = variables.get(key);
      require(found.has_value() == known(place), "what is there is found, and nothing else");
      require(!found || *found == expected_.variables[place].text, "a variable reads as it is");
    });
  }

  void put(std::int64_t key, const std::string& text) {
    put_by(&Variables::put, key, text);
    compare();
  }

  void put_forward(std::int64_t key, const std::string& text) {
    const bool can = can_put(key, text);
    const bool done = put_by(&Variables::put_forward, key, text);
    require(done || !can, "what can be put can be put forward");
    reorder();
    compare();
  }

  void remove(std::int64_t key) {
    const std::size_t place = place_of(expected_, key);
    const bool done = attempt([&](Variables& variables) {
      require(variables.remove(key) == known(place), "what is there is removed, and nothing else");
    });
    require(done || !sound(), "a sound table's variables can be removed");
    if (done && known(place)) {
      expected_.variables.erase(expected_.variables.begin() + static_cast<std::ptrdiff_t>(place));
    }
    compare();
  }

 private:
  using Put = void (Variables::*)(std::int64_t, std::string_view);

  // Seen on a copy.
  bool can_put(std::int64_t key, const std::string& text) {
    const auto copy = std::make_unique<std::byte[]>(bytes_.size());
    std::memcpy(copy.get(), bytes_.data(), bytes_.size());
    return attempt({copy.get(), bytes_.size()}, [&](Variables& v) { v.put(key, text); });
  }

  bool put_by(Put way, std::int64_t key, const std::string& text) {
    const std::size_t place = place_of(expected_, key);
    const std::size_t need = Variables::bytes_needed(text);
    const std::size_t enough = known(place) ? room_for_update(expected_, place, need) : need;
    const bool fits = Variables(bytes_).free_bytes() >= enough;
    const bool done = attempt([&](Variables& variables) { (variables.*way)(key, text); });
    require(done || !fits || !sound(), "with enough room a put succeeds");
    if (done && !known(place)) expected_.variables.push_back({key, text});
    if (done && place < expected_.variables.size()) expected_.variables[place].text = text;
    return done;
  }

  bool known(std::size_t place) const { return place < expected_.variables.size(); }
  bool sound() const { return expected_.whole && expected_.aligned; }

  // False: Damaged or NoRoom.
  template <class Work>
  bool attempt(const Work& work) {
    return attempt(bytes_, work);
  }
  template <class Work>
  bool attempt(Bytes bytes, const Work& work) {
    try {
      Variables variables(bytes);
      work(variables);
      return true;
    } catch (const sysv::Damaged&) {
      require(!sound(), "a sound table is not called damaged");
    } catch (const sysv::NoRoom&) {
    }
    return false;
  }

  // The same variables in any order, but that of one key: there the first is what PHP shows.
  void reorder() {
    const auto by_key = [](const Variable& a, const Variable& b) { return a.key < b.key; };
    std::vector<Variable> now = view_of(bytes_).variables;
    expected_.variables.swap(now);
    std::vector<Variable> sorted = expected_.variables;
    std::stable_sort(now.begin(), now.end(), by_key);
    std::stable_sort(sorted.begin(), sorted.end(), by_key);
    require(now == sorted, "what is put forward leaves all others there");
  }

  // The same variables in the same order, and the rest as whole as it was, for whoever comes next.
  void compare() {
    const View now = view_of(bytes_);
    require(now.variables == expected_.variables, "all other variables are intact");
    require(now.whole == expected_.whole, "a table stays as sound as it was");
    const bool done = attempt([&](const Variables& variables) {
      variables.check();
      require(variables.all() == expected_.variables, "all() has all variables");
    });
    require(done == now.whole, "check() finds what contradicts the table, and nothing else");
    expected_ = now;
  }

  Bytes bytes_;
  View expected_;
};

// What is to be done, taken off the end of the input.
struct Step {
  int verb;
  std::int64_t key;
  std::string text;
};

std::vector<Step> steps_from(FuzzedDataProvider& input) {
  std::vector<Step> steps(input.ConsumeIntegralInRange<std::size_t>(0, 15));
  for (Step& step : steps) {
    step.verb = input.ConsumeIntegralInRange(0, 4);
    step.key = input.ConsumeIntegral<std::int8_t>();
    step.text.assign(input.ConsumeIntegral<std::uint8_t>(), static_cast<char>(step.key));
  }
  return steps;
}

void run(Bytes bytes, const std::vector<Step>& steps) {
  constexpr std::int64_t generation = 4711;
  Variables::of(bytes, generation);
  Table table(bytes);
  for (const Step& step : steps) {
    switch (step.verb) {
      case 0: table.get(step.key); break;
      case 1: table.remove(step.key); break;
      case 4: table.put_forward(step.key, step.text); break;
      default: table.put(step.key, step.text);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const std::vector<Step> steps = steps_from(input);
  const std::string segment = input.ConsumeRemainingBytesAsString();
  // As long as the segment, not a byte longer: ASan watches what is behind.
  const auto bytes = std::make_unique<std::byte[]>(segment.size());
  std::memcpy(bytes.get(), segment.data(), segment.size());
  const Bytes span(bytes.get(), segment.size());
  try {
    run(span, steps);
  } catch (const sysv::Damaged&) {
    require(std::memcmp(bytes.get(), segment.data(), segment.size()) == 0,
            "what is no table is left as it is");
  }
  return 0;
}
