#include "sysv/variables.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/memory.hpp"
#include "support/shared.hpp"
#include "support/stepper.hpp"
#include "sysv/layout.hpp"

using support::Memory;
using sysv::Damaged;
using sysv::NoRoom;
using sysv::Variables;
namespace layout = sysv::layout;

namespace {

constexpr std::int64_t generation = 4711;

// What PHP does in shm_remove_var: the first chunk of that key is cut out, and the rest moved down.
// (ext/sysvshm, PHP 8.2)
void remove_as_php(Memory& memory, std::int64_t key) {
  namespace header = layout::header;
  auto position = static_cast<std::size_t>(memory.get(header::start));
  const auto end = static_cast<std::size_t>(memory.get(header::end));
  while (position < end && memory.get(position) != key) {
    position += static_cast<std::size_t>(memory.get(position + layout::chunk::next));
  }
  if (position >= end) return;
  const auto next = static_cast<std::size_t>(memory.get(position + layout::chunk::next));
  std::byte* const start = memory.bytes().data();
  std::memmove(start + position, start + position + next, end - position - next);
  memory.set(header::end, static_cast<std::int64_t>(end - next));
  memory.set(header::free, static_cast<std::int64_t>(memory.bytes().size() - end + next));
}

// What PHP does in shm_put_var: it removes, and adds at the end.
void put_as_php(Memory& memory, std::int64_t key, const std::string& text) {
  namespace header = layout::header;
  remove_as_php(memory, key);
  const std::size_t end =
      memory.chunk(static_cast<std::size_t>(memory.get(header::end)), key, text);
  memory.set(header::end, static_cast<std::int64_t>(end));
  memory.set(header::free, static_cast<std::int64_t>(memory.bytes().size() - end));
}

// A table of PHP's with variables 0, 7 and 8.
Memory table_of_php() {
  Memory memory(10000);
  memory.header();
  put_as_php(memory, 0, "i:41;");
  put_as_php(memory, 7, "s:5:\"seven\";");
  put_as_php(memory, 8, "a:0:{}");
  return memory;
}

enum class Maker { php, us };

// Variables 1 to `others`, and 0 behind them, as PHP puts it.
Memory count_behind(int others, Maker maker = Maker::php) {
  Memory memory(10000);
  if (maker == Maker::php) memory.header();
  Variables::of(memory.bytes(), generation);
  for (int key = 1; key <= others; ++key) put_as_php(memory, key, "i:" + std::to_string(key) + ";");
  put_as_php(memory, 0, "i:41;");
  return memory;
}

// After two puts, each of which stays in its place, a number can come forward.
void put_twice(std::span<std::byte> bytes, std::int64_t key) {
  Variables(bytes).put(key, "i:40;");
  Variables(bytes).put(key, "i:41;");
}

Memory count_of_ours_behind(int others, Maker maker = Maker::php) {
  Memory memory = count_behind(others, maker);
  put_twice(memory.bytes(), 0);
  return memory;
}

// A chunk of another writer than PHP, which rounds less; it goes to the end.
void append_short_chunk(Memory& memory, std::int64_t key, const std::string& text) {
  namespace header = layout::header;
  const auto at = static_cast<std::size_t>(memory.get(header::end));
  const std::size_t size = (layout::chunk::text + text.size() + 7) / 8 * 8;
  memory.chunk(at, key, text);
  memory.set(at + layout::chunk::next, static_cast<std::int64_t>(size));
  memory.set(header::end, static_cast<std::int64_t>(at + size));
  memory.set(header::free, static_cast<std::int64_t>(memory.bytes().size() - at - size));
}

std::map<std::int64_t, std::string> variables_in(Memory& memory) {
  std::map<std::int64_t, std::string> found;
  for (const auto& [key, text] : Variables(memory.bytes()).all()) {
    const bool is_first = found.emplace(key, text).second;
    CHECK(is_first);
  }
  return found;
}

std::int64_t first_key(Memory& memory) { return Variables(memory.bytes()).all().front().key; }
std::int64_t last_key(Memory& memory) { return Variables(memory.bytes()).all().back().key; }

std::string reason_of(Memory& memory) try {
  Variables(memory.bytes()).get(99);
  return "";
} catch (const Damaged& damage) {
  return damage.what();
}

// Shared memory with nothing before it and nothing behind it: who reaches beyond dies.
class Guarded {
 public:
  static constexpr std::size_t size = 4096;

  Guarded() {
    void* const pages = mmap(nullptr, 3 * size, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::runtime_error("mmap");
    pages_ = static_cast<std::byte*>(pages);
    mprotect(pages_ + size, size, PROT_READ | PROT_WRITE);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(pages_, 3 * size); }

  std::span<std::byte> bytes() const { return {pages_ + size, size}; }

 private:
  std::byte* pages_;
};

// Another process that has the segment: it changes a word to what could do most harm, or puts all
// back as it was.
class Enemy {
 public:
  Enemy(std::span<std::byte> bytes, unsigned seed) : bytes_(bytes), random_(seed) {
    std::ranges::copy(bytes, original_.begin());
  }

  void act() {
    if (random_() % 8 == 0) return restore();
    const std::size_t end = 40 + 40 * 6;
    const std::size_t word = 8 * (random_() % (end / 8));
    const std::int64_t value = words[random_() % words.size()];
    std::memcpy(bytes_.data() + word, &value, sizeof value);
  }
  void restore() { std::ranges::copy(original_, bytes_.begin()); }

 private:
  static constexpr std::array<std::int64_t, 16> words = {0,
                                                         -1,
                                                         1,
                                                         8,
                                                         24,
                                                         32,
                                                         40,
                                                         48,
                                                         80,
                                                         4000,
                                                         4096,
                                                         1 << 20,
                                                         INT64_MAX,
                                                         INT64_MIN,
                                                         layout::own_magic,
                                                         layout::filler_key};

  std::span<std::byte> bytes_;
  std::array<std::byte, Guarded::size> original_;
  std::mt19937 random_;
};

// All that can be done to a table, one after the other.
void use(std::span<std::byte> bytes, unsigned number) {
  try {
    Variables variables = Variables::of(bytes, generation);
    switch (number % 6) {
      case 0: variables.put(1, "i:77;"); break;
      case 1: variables.put(2, std::string(100, 'x')); break;
      case 2: variables.put(9, "i:9;"); break;
      case 3: variables.remove(1); break;
      case 4: variables.remove(2); break;
      default: (void)variables.all(); variables.check();
    }
  } catch (const Damaged&) {
  } catch (const NoRoom&) {
  }
}

// Whether a child does its work and lives, though something is done to it at that instruction.
bool survives(long moment, const std::function<void()>& work, const std::function<void()>& deed) {
  const support::Shared<std::atomic<bool>> finished;
  support::step_through(
      [&] {
        support::mark();
        work();
        finished->store(true);
        support::mark();
      },
      [&](long step) {
        if (step == moment) deed();
      },
      moment + 1);
  return finished->load();
}

// Five variables, in half of the cases with so little room left that nothing can be moved.
void fill(std::span<std::byte> bytes, unsigned number) {
  std::ranges::fill(bytes, std::byte{});
  Memory memory(bytes.size());
  memory.header();
  for (const std::int64_t key : {0, 1, 2, 3, 4}) put_as_php(memory, key, "i:5;");
  if (number % 12 < 6) put_as_php(memory, 5, std::string(3700, 'y'));
  std::ranges::copy(memory.bytes(), bytes.begin());
}

bool is_counted(Memory& memory) {
  return memory.get(layout::header::end) + memory.get(layout::header::free) ==
         static_cast<std::int64_t>(memory.bytes().size());
}

}  // namespace

TEST_CASE("An all-zero segment becomes an empty table with our private area before it") {
  Memory memory(65536);
  const Variables variables = Variables::of(memory.bytes(), generation);
  CHECK_FALSE(variables.has(0));
  CHECK(memory.copy().substr(0, 8) == std::string("PHP_SM\0\0", 8));
  CHECK(memory.get(layout::header::start) == layout::own::size);
  CHECK(memory.get(layout::header::end) == layout::own::size);
  CHECK(memory.get(layout::header::free) == 65536 - layout::own::size);
  CHECK(memory.get(layout::header::total) == 65536);
  CHECK(memory.copy().substr(layout::own::magic, 8) == std::string("visits\0\0", 8));
  CHECK(memory.get(layout::own::version) == 1);
  CHECK(memory.get(layout::own::generation) == generation);
}

TEST_CASE("A table is left alone, its generation included") {
  Memory memory(65536);
  Variables::of(memory.bytes(), generation);
  const std::string before = memory.copy();
  Variables::of(memory.bytes(), 12);
  CHECK(memory.copy() == before);
}

// Every state that a death inside format() leaves: its stores are in this order.
TEST_CASE("A segment whose maker died while making it is made anew") {
  Memory whole(4096);
  Variables::of(whole.bytes(), generation);
  Memory partial(4096);
  for (const std::size_t word :
       {layout::own::magic, layout::own::version, layout::own::generation, layout::header::start,
        layout::header::end, layout::header::free, layout::header::total}) {
    partial.set(word, whole.get(word));
    Memory anew = partial;
    Variables::of(anew.bytes(), generation);
    CHECK(anew.copy() == whole.copy());
  }
}

TEST_CASE("A header of which PHP wrote only the magic is completed") {
  Memory memory(10000);
  std::memcpy(memory.bytes().data(), layout::magic.data(), layout::magic.size());
  Variables::of(memory.bytes(), generation).put(0, "i:1;");
  CHECK(Variables(memory.bytes()).get(0) == "i:1;");
}

TEST_CASE("A header of which PHP wrote start and end only is completed") {
  Memory memory(10000);
  memory.header();
  memory.set(layout::header::free, 0);
  memory.set(layout::header::total, 0);
  Variables::of(memory.bytes(), generation).put(0, "i:1;");
  CHECK(Variables(memory.bytes()).get(0) == "i:1;");
  CHECK(is_counted(memory));
}

TEST_CASE("Another program's bytes are refused and left as they are") {
  Memory memory(4096);
  memory.set(0, 0x1122334455667788);
  memory.set(4000, 1);
  const std::string before = memory.copy();
  CHECK_THROWS_AS(Variables::of(memory.bytes(), generation), Damaged);
  CHECK(memory.copy() == before);
}

TEST_CASE("Another program's bytes are refused also when they begin with zeros") {
  Memory memory(4096);
  memory.set(4088, 1);
  const std::string before = memory.copy();
  CHECK_THROWS_AS(Variables::of(memory.bytes(), generation), Damaged);
  CHECK(memory.copy() == before);
}

TEST_CASE("A segment too small for a header is refused, with magic or without") {
  Memory empty(8);
  CHECK_THROWS_WITH(Variables::of(empty.bytes(), generation), support::contains("too small"));
  Memory marked(8);
  std::memcpy(marked.bytes().data(), layout::magic.data(), layout::magic.size());
  CHECK_THROWS_WITH(Variables::of(marked.bytes(), generation), support::contains("too small"));
}

TEST_CASE("A variable reads as it was put") {
  Memory memory(65536);
  Variables variables = Variables::of(memory.bytes(), generation);
  CHECK_FALSE(variables.get(0).has_value());
  variables.put(0, "i:1;");
  variables.put(-3, "N;");
  CHECK(variables.get(0) == "i:1;");
  CHECK(variables.get(-3) == "N;");
  CHECK(variables.has(-3));
  CHECK_FALSE(variables.has(3));
}

TEST_CASE("A chunk of ours is the chunk that PHP would have written") {
  Memory ours(1000);
  ours.header();
  Variables(ours.bytes()).put(0, "i:42;");
  Memory phps(1000);
  phps.header();
  put_as_php(phps, 0, "i:42;");
  CHECK(ours.copy() == phps.copy());
}

TEST_CASE("A counter goes on in the room of its first chunk, through every length") {
  Memory memory(65536);
  Variables variables = Variables::of(memory.bytes(), generation);
  variables.put(0, "i:1;");
  const std::int64_t end = memory.get(layout::header::end);
  for (std::int64_t count = 1; count > 0 && count < INT64_MAX / 10; count = count * 10 + 9) {
    for (std::int64_t n = count; n < count + 5; ++n) {
      variables.put(0, "i:" + std::to_string(n) + ";");
      REQUIRE(Variables(memory.bytes()).get(0) == "i:" + std::to_string(n) + ";");
    }
  }
  CHECK(memory.get(layout::header::end) == end);
  CHECK(is_counted(memory));
}

TEST_CASE("A variable of PHP's with others behind it is updated and they stay") {
  Memory memory = table_of_php();
  Variables variables(memory.bytes());
  for (int count = 42; count < 200; ++count) {
    variables.put(0, "i:" + std::to_string(count) + ";");
    REQUIRE(variables.get(0) == "i:" + std::to_string(count) + ";");
    REQUIRE(variables.get(7) == "s:5:\"seven\";");
    REQUIRE(variables.get(8) == "a:0:{}");
    REQUIRE_NOTHROW(variables.check());
  }
  CHECK(is_counted(memory));
}

TEST_CASE("Updates after the first need no more room, however many there are") {
  Memory memory = table_of_php();
  Variables variables(memory.bytes());
  variables.put(0, "i:42;");
  const std::int64_t end = memory.get(layout::header::end);
  for (int count = 43; count < 1000; ++count) variables.put(0, "i:" + std::to_string(count) + ";");
  CHECK(memory.get(layout::header::end) == end);
}

TEST_CASE("PHP and we in turn never use up the segment") {
  Memory memory = table_of_php();
  for (int count = 42; count < 3000; count += 3) {
    Variables(memory.bytes()).put(0, "i:" + std::to_string(count) + ";");
    put_as_php(memory, 0, "i:" + std::to_string(count + 1) + ";");
    if (count % 2 == 0) put_as_php(memory, 7, "s:5:\"seven\";");
    Variables variables(memory.bytes());
    REQUIRE(variables.get(0) == "i:" + std::to_string(count + 1) + ";");
    REQUIRE_NOTHROW(variables.check());
  }
  CHECK(memory.get(layout::header::end) < 1000);
}

// Against a map, with PHP's own changes between ours.
TEST_CASE(
    "Any sequence of puts and removals, PHP's among them, leaves every variable as it should be") {
  std::mt19937 random(20261123);
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    Memory memory(3000);
    if (round % 2 == 0) memory.header();
    Variables::of(memory.bytes(), generation);
    std::map<std::int64_t, std::string> expected;
    for (int step = 0; step < 60; ++step) {
      const auto key = static_cast<std::int64_t>(random() % 5);
      const std::string text(random() % 40, static_cast<char>('a' + random() % 26));
      switch (random() % 6) {
        case 0:
          remove_as_php(memory, key);
          expected.erase(key);
          break;
        case 1:
          put_as_php(memory, key, text);
          expected[key] = text;
          break;
        case 2: REQUIRE(Variables(memory.bytes()).remove(key) == (expected.erase(key) == 1)); break;
        default: Variables(memory.bytes()).put(key, text); expected[key] = text;
      }
      const Variables variables(memory.bytes());
      REQUIRE_NOTHROW(variables.check());
      std::map<std::int64_t, std::string> found;
      for (const sysv::Variable& variable : variables.all()) found[variable.key] = variable.text;
      REQUIRE(found == expected);
      REQUIRE(is_counted(memory));
    }
  }
}

TEST_CASE("A number put forward past many variables stands first then, and all are there") {
  const Maker maker = GENERATE(Maker::php, Maker::us);
  Memory memory = count_of_ours_behind(100, maker);
  auto expected = variables_in(memory);
  const std::string ours = memory.copy().substr(layout::own::magic, 24);
  Variables(memory.bytes()).put_forward(0, expected[0] = "i:42;");
  CHECK(first_key(memory) == 0);
  CHECK(variables_in(memory) == expected);
  CHECK(is_counted(memory));
  if (maker == Maker::us) CHECK(memory.copy().substr(layout::own::magic, 24) == ours);
}

// Seen by damage that only who walks further would meet.
TEST_CASE("A number that was put forward is put without a look past the variable behind it") {
  Memory memory = count_of_ours_behind(100);
  Variables(memory.bytes()).put_forward(0, "i:42;");
  const auto start = static_cast<std::size_t>(memory.get(layout::header::start));
  const auto second = start + static_cast<std::size_t>(memory.get(start + layout::chunk::next));
  memory.set(second + 40 + layout::chunk::next, 7);
  Variables variables(memory.bytes());
  for (const char* const text : {"i:43;", "i:44;", "i:45;"}) {
    variables.put_forward(0, text);
    CHECK(variables.get(0) == text);
  }
  CHECK_THROWS_AS(variables.check(), Damaged);
}

TEST_CASE("With few variables before it a number is put forward as it is put, byte for byte") {
  const Maker maker = GENERATE(Maker::php, Maker::us);
  for (const int others : {0, 1, 2, 15, 16}) {
    CAPTURE(others);
    Memory forward = count_of_ours_behind(others, maker);
    Memory plain = forward;
    Variables(forward.bytes()).put_forward(0, "i:42;");
    Variables(plain.bytes()).put(0, "i:42;");
    CHECK(forward.copy() == plain.copy());
  }
  Memory memory = count_of_ours_behind(17, maker);
  Variables(memory.bytes()).put_forward(0, "i:42;");
  CHECK(first_key(memory) == 0);
}

TEST_CASE("A new number is last at its first three puts, and forward at its fourth") {
  Memory memory = count_behind(100, GENERATE(Maker::php, Maker::us));
  for (const char* const text : {"i:1;", "i:2;", "i:3;"}) {
    Variables(memory.bytes()).put_forward(500, text);
    CHECK(last_key(memory) == 500);
  }
  Variables(memory.bytes()).put_forward(500, "i:4;");
  CHECK(Variables(memory.bytes()).all().front() == sysv::Variable{500, "i:4;"});
}

TEST_CASE("A number of PHP's that only we put from then on comes forward at our third put") {
  Memory memory = count_behind(100, GENERATE(Maker::php, Maker::us));
  for (const char* const text : {"i:42;", "i:43;"}) {
    Variables(memory.bytes()).put_forward(0, text);
    CHECK(last_key(memory) == 0);
  }
  Variables(memory.bytes()).put_forward(0, "i:44;");
  CHECK(first_key(memory) == 0);
}

// Where PHP's put takes the last chunk away it moves no other.
TEST_CASE("In turns with PHP a number stays last, and takes no more room") {
  Memory memory = count_behind(100, GENERATE(Maker::php, Maker::us));
  auto expected = variables_in(memory);
  const std::int64_t end = memory.get(layout::header::end);
  for (int count = 42; count < 1200; count += 2) {
    Variables(memory.bytes()).put_forward(0, expected[0] = "i:" + std::to_string(count) + ";");
    REQUIRE(last_key(memory) == 0);
    REQUIRE(variables_in(memory) == expected);
    put_as_php(memory, 0, expected[0] = "i:" + std::to_string(count + 1) + ";");
    REQUIRE(memory.get(layout::header::end) <= end + 40);
  }
}

TEST_CASE("A number that was put forward needs no more room through every length") {
  Memory memory = count_of_ours_behind(100, GENERATE(Maker::php, Maker::us));
  Variables variables(memory.bytes());
  variables.put_forward(0, "i:1;");
  const std::int64_t end = memory.get(layout::header::end);
  for (std::int64_t count = 1; count > 0 && count < INT64_MAX / 10; count = count * 10 + 9) {
    for (std::int64_t n = count; n < count + 5; ++n) {
      variables.put_forward(0, "i:-" + std::to_string(n) + ";");
      REQUIRE(Variables(memory.bytes()).get(0) == "i:-" + std::to_string(n) + ";");
    }
  }
  CHECK(memory.get(layout::header::end) == end);
  CHECK(is_counted(memory));
}

TEST_CASE("PHP puts a number last and we put it forward, again and again, in the same room") {
  Memory memory = count_behind(100, GENERATE(Maker::php, Maker::us));
  auto expected = variables_in(memory);
  for (int count = 42; count < 2000; count += 4) {
    for (int put = count; put < count + 3; ++put) {
      Variables(memory.bytes()).put_forward(0, "i:" + std::to_string(put) + ";");
    }
    REQUIRE(first_key(memory) == 0);
    expected[0] = "i:" + std::to_string(count + 3) + ";";
    put_as_php(memory, 0, expected[0]);
    REQUIRE(variables_in(memory) == expected);
  }
  CHECK(memory.get(layout::header::end) < 102 * 40 + 400);
}

TEST_CASE("A number with many variables before it and others behind comes forward all the same") {
  Memory memory = count_of_ours_behind(100, GENERATE(Maker::php, Maker::us));
  for (int key = 101; key < 121; ++key) put_as_php(memory, key, std::string(30, 'x'));
  put_as_php(memory, layout::filler_key, "");
  auto expected = variables_in(memory);
  Variables(memory.bytes()).put_forward(0, expected[0] = "i:42;");
  CHECK(first_key(memory) == 0);
  CHECK(variables_in(memory) == expected);
  CHECK(is_counted(memory));
}

TEST_CASE("A number stays in its place, and is put, where there is no room to bring it forward") {
  for (std::size_t room = 0; room < 800; room += 8) {
    CAPTURE(room);
    Memory memory(40 + 100 * 40 + room);
    memory.header();
    for (int key = 99; key >= 0; --key) put_as_php(memory, key, "i:5;");
    auto expected = variables_in(memory);
    for (const char* const text : {"i:6;", "i:7;", "i:8;", "i:9;"}) {
      REQUIRE_NOTHROW(Variables(memory.bytes()).put_forward(0, expected[0] = text));
      REQUIRE(variables_in(memory) == expected);
      REQUIRE(is_counted(memory));
    }
    CHECK(first_key(memory) == (room < 432 ? 99 : 0));
  }
}

// What they take where they are says nothing about what their copies take.
TEST_CASE("A number is put in whatever room there is past chunks that another writer rounded") {
  const int behind = GENERATE(0, 1, 30);
  for (std::size_t room = 0; room < 2200; room += 8) {
    CAPTURE(behind, room);
    Memory memory(40 + 20 * 32 + 80 + static_cast<std::size_t>(behind) * 32 + room);
    memory.header();
    for (int key = 1; key <= 20; ++key) append_short_chunk(memory, key, "i:5;");
    put_as_php(memory, 0, "i:5;");
    const auto count = static_cast<std::size_t>(memory.get(layout::header::end)) - 40;
    memory.set(count + layout::chunk::next, 80);  // has its next variant's room
    memory.set(layout::header::end, static_cast<std::int64_t>(count + 80));
    for (int key = 21; key <= 20 + behind; ++key) append_short_chunk(memory, key, "i:5;");
    auto expected = variables_in(memory);
    for (const char* const text : {"i:6;", "i:7;", "i:8;"}) {
      REQUIRE_NOTHROW(Variables(memory.bytes()).put_forward(0, expected[0] = text));
      REQUIRE(variables_in(memory) == expected);
    }
  }
}

// Their old places stay the number's.
TEST_CASE("A number stays in its place where those that stand first take much room") {
  constexpr int most = 304;
  for (const int size : {152, most - 8, most, most + 8, 3000}) {
    CAPTURE(size);
    Memory memory(10000);
    memory.header();
    put_as_php(memory, 1, std::string(static_cast<std::size_t>(size) - 39, 'x'));
    for (int key = 2; key <= 18; ++key) put_as_php(memory, key, "i:2;");
    put_as_php(memory, 0, "i:41;");
    const std::size_t free = Variables(memory.bytes()).free_bytes();
    for (int put = 0; put < 5; ++put) Variables(memory.bytes()).put_forward(0, "i:42;");
    CHECK(first_key(memory) == (size <= most ? 0 : 1));
    CHECK(Variables(memory.bytes()).free_bytes() + most >= free);
  }
}

TEST_CASE("A text longer than any integer's is put where it is") {
  Memory memory = count_of_ours_behind(100);
  Variables(memory.bytes()).put_forward(0, std::string(24, 'x'));
  CHECK(Variables(memory.bytes()).all().back() == sysv::Variable{0, std::string(24, 'x')});
}

// PHP shows the first alone.
TEST_CASE("What is there twice, by another writer, shows the same after a number was put forward") {
  for (const std::int64_t twice : {1, 2, 0}) {
    CAPTURE(twice);
    Memory memory = count_of_ours_behind(100);
    const auto end = static_cast<std::size_t>(memory.get(layout::header::end));
    memory.set(layout::header::end,
               static_cast<std::int64_t>(memory.chunk(end, twice, "s:6:\"hidden\";")));
    Variables variables(memory.bytes());
    variables.put_forward(0, "i:42;");
    CHECK(variables.get(0) == "i:42;");
    CHECK(variables.get(1) == "i:1;");
    CHECK(variables.get(2) == "i:2;");
    CHECK(first_key(memory) == 1);  // on the way another could be the first for a moment
  }
}

TEST_CASE("Damage behind a number keeps it from coming forward, not from being put") {
  Memory memory = count_behind(100);
  put_as_php(memory, 500, "i:500;");
  put_as_php(memory, 501, "i:501;");
  Variables(memory.bytes()).put(0, "i:42;");  // there is room for its next then
  const auto end = static_cast<std::size_t>(memory.get(layout::header::end));
  memory.set(end - layout::chunk_size(6) + layout::chunk::next, 7);
  Variables(memory.bytes()).put_forward(0, "i:43;");
  CHECK(Variables(memory.bytes()).get(0) == "i:43;");
  CHECK(Variables(memory.bytes()).get(500) == "i:500;");
  CHECK_THROWS_AS(Variables(memory.bytes()).get(501), Damaged);
}

TEST_CASE(
    "A number that ends at an odd offset, as no chunk of PHP's, is put and not brought forward") {
  Memory memory = count_behind(40);
  const std::int64_t end = memory.get(layout::header::end);
  memory.set(static_cast<std::size_t>(end) - 40 + layout::chunk::next, 101);
  memory.set(layout::header::end, end + 61);
  Variables(memory.bytes()).put_forward(0, "i:42;");
  CHECK(Variables(memory.bytes()).get(0) == "i:42;");
  CHECK(first_key(memory) == 1);
}

// As above, with so many that there is something to be brought forward.
TEST_CASE(
    "Any sequence of changes with numbers put forward leaves every variable as it should be") {
  std::mt19937 random(20261125);
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    Memory memory(random() % 2 == 0 ? 4000 : 9000);
    if (round % 2 == 0) memory.header();
    Variables::of(memory.bytes(), generation);
    std::map<std::int64_t, std::string> expected;
    for (int step = 0; step < 300; ++step) {
      const auto key = static_cast<std::int64_t>(random() % 60);
      const std::string text(random() % 30, static_cast<char>('a' + random() % 26));
      const bool fits = 2 * Variables::bytes_needed(text) + 3000 <
                        Variables(memory.bytes()).free_bytes();  // PHP loses what has no room
      try {
        switch (fits ? random() % 8 : 2 + random() % 6) {
          case 0:
            put_as_php(memory, key, text);
            expected[key] = text;
            break;
          case 1:
            Variables(memory.bytes()).put(key, text);
            expected[key] = text;
            break;
          case 2:
            remove_as_php(memory, key);
            expected.erase(key);
            break;
          case 3:
            REQUIRE(Variables(memory.bytes()).remove(key) == (expected.erase(key) == 1));
            break;
          default: Variables(memory.bytes()).put_forward(key, text); expected[key] = text;
        }
      } catch (const NoRoom&) {
      }
      REQUIRE_NOTHROW(Variables(memory.bytes()).check());
      REQUIRE(variables_in(memory) == expected);
      REQUIRE(is_counted(memory));
    }
  }
}

TEST_CASE("A removed variable returns its room at once, wherever it was") {
  for (const std::int64_t key : {0, 7, 8}) {
    Memory memory = table_of_php();
    Variables variables(memory.bytes());
    const std::size_t before = variables.free_bytes();
    const std::size_t size = Variables::bytes_needed(*variables.get(key));
    CHECK(variables.remove(key));
    CHECK_FALSE(variables.has(key));
    CHECK(variables.free_bytes() == before + size);
    CHECK(variables.all().size() == 2);
    CHECK_FALSE(variables.remove(key));
  }
}

TEST_CASE("In a full segment a removed variable is gone, and its neighbours stay") {
  Memory memory(40 + 3 * 40);
  memory.header();
  for (const std::int64_t key : {1, 2, 3}) put_as_php(memory, key, "i:5;");
  Variables variables(memory.bytes());
  REQUIRE(variables.free_bytes() == 0);
  CHECK(variables.remove(2));
  CHECK(variables.all() == std::vector<sysv::Variable>{{1, "i:5;"}, {3, "i:5;"}});
  variables.put(3, "i:6;");
  CHECK(variables.get(3) == "i:6;");
}

TEST_CASE("All variables come in the segment's order, as text") {
  Memory memory = table_of_php();
  Variables variables(memory.bytes());
  variables.put(0, "i:42;");
  CHECK(variables.all() ==
        std::vector<sysv::Variable>{{0, "i:42;"}, {7, "s:5:\"seven\";"}, {8, "a:0:{}"}});
}

// The room that updates leave behind is used again: the table stays within a few times its text.
TEST_CASE("However often variables of every size are put anew, a roomy segment never runs out") {
  std::mt19937 random(11);
  Memory memory(3000);
  Variables variables = Variables::of(memory.bytes(), generation);
  for (int step = 0; step < 20000; ++step) {
    const auto key = static_cast<std::int64_t>(random() % 10);
    REQUIRE_NOTHROW(variables.put(key, std::string(random() % 40, 'x')));
  }
  variables.check();
}

TEST_CASE("Where there is no room the old value stays") {
  Memory memory(104);
  memory.header();
  put_as_php(memory, 0, "i:1;");
  Variables variables(memory.bytes());
  const std::string before = memory.copy();
  CHECK_THROWS_WITH(variables.put(0, std::string(100, 'x')), support::contains("no room"));
  CHECK_THROWS_AS(variables.put(5, "i:5;"), NoRoom);
  CHECK(memory.copy() == before);
}

TEST_CASE("A text of no bytes, at no address, is a text like any other") {
  Memory memory(400);
  Variables variables = Variables::of(memory.bytes(), generation);
  variables.put(1, {});
  CHECK(variables.get(1) == "");
}

TEST_CASE("An update needs no more room than promised, with others behind it and none beside it") {
  constexpr std::size_t each = layout::chunk_size(5);
  Memory memory(layout::own::size + 3 * each + 2 * each + each);
  Variables variables = Variables::of(memory.bytes(), generation);
  variables.put(1, "i:1;");
  variables.put(2, "i:2;");
  variables.put(3, "i:3;");
  variables.put(2, "i:20;");
  CHECK(variables.get(2) == "i:20;");
  CHECK(variables.all().size() == 3);
}

TEST_CASE("A filler that a dead process left is room for the variable before it") {
  Memory memory(1000);
  memory.header();
  put_as_php(memory, 0, "i:1;");
  put_as_php(memory, layout::filler_key, "");
  Variables variables(memory.bytes());
  const std::int64_t end = memory.get(layout::header::end);
  variables.put(0, "i:2;");
  CHECK(variables.get(0) == "i:2;");
  CHECK_FALSE(variables.has(layout::filler_key));
  CHECK(memory.get(layout::header::end) ==
        end + 32);  // two variants of 40 bytes, one of 32 was there
}

TEST_CASE("In a segment too full to hold it twice a short variable is written over") {
  const bool last = GENERATE(false, true);
  Memory memory(40 + 40 + layout::chunk_size(700));
  memory.header();
  if (last) put_as_php(memory, 7, std::string(700, 'x'));
  put_as_php(memory, 0, "i:8;");
  if (!last) put_as_php(memory, 7, std::string(700, 'x'));
  Variables variables(memory.bytes());
  REQUIRE(variables.free_bytes() == 0);
  for (std::int64_t count = 9; count < 9'999'999'999'999; count = count * 3 + 1) {
    variables.put(0, "i:" + std::to_string(count) + ";");
    REQUIRE(variables.get(0) == "i:" + std::to_string(count) + ";");
  }
  variables.put(0, "N;");
  CHECK(variables.get(0) == "N;");
  CHECK(variables.all().size() == 2);
  CHECK(variables.get(7) == std::string(700, 'x'));
}

TEST_CASE("In a segment too full to hold it twice a long variable stays as it is") {
  Memory memory(40 + 40 + layout::chunk_size(700));
  memory.header();
  put_as_php(memory, 0, "i:41;");
  put_as_php(memory, 7, std::string(700, 'x'));
  const std::string before = memory.copy();
  CHECK_THROWS_AS(Variables(memory.bytes()).put(0, "s:10:\"ten letter\";"), NoRoom);
  CHECK(memory.copy() == before);
}

// Seen by damage that only a reader of what stands behind would meet.
TEST_CASE("In a filled segment a count goes over the old one, however much stands behind") {
  Memory memory(40 + 3 * 40);
  memory.header(40 + 3 * 40);
  memory.chunk(40, 0, "i:41;");
  memory.chunk(80, 7, "i:7;");
  memory.chunk(120, 8, "i:8;");
  memory.set(120 + layout::chunk::next, 7);
  Variables(memory.bytes()).put(0, "i:42;");
  CHECK(Variables(memory.bytes()).get(0) == "i:42;");
}

// A chunk of another writer than PHP, which rounds less: a store of 16 bytes would be the end of
// the next variable.
TEST_CASE("A chunk with less room than a wide store is never written over") {
  Memory memory(40 + 32 + 40);
  memory.header(40 + 32 + 40);
  memory.chunk(40, 0, "i:41;");
  memory.set(40 + layout::chunk::next, 32);
  memory.chunk(40 + 32, 7, "i:7;");
  const std::string before = memory.copy();
  CHECK_THROWS_AS(Variables(memory.bytes()).put(0, "i:42;"), NoRoom);
  CHECK(memory.copy() == before);
}

TEST_CASE("A count is put in whatever room there is before chunks that another writer rounded") {
  for (std::size_t room = 0; room < 1200; room += 8) {
    CAPTURE(room);
    Memory memory(40 + 40 + 20 * 32 + room);
    memory.header();
    put_as_php(memory, 0, "i:5;");
    for (int key = 1; key <= 20; ++key) append_short_chunk(memory, key, "i:5;");
    auto expected = variables_in(memory);
    for (const char* const text : {"i:6;", "i:7;", "i:8;"}) {
      REQUIRE_NOTHROW(Variables(memory.bytes()).put(0, expected[0] = text));
      REQUIRE(variables_in(memory) == expected);
    }
  }
}

TEST_CASE("A filler that lies among other variables goes when they are moved") {
  Memory memory = table_of_php();
  put_as_php(memory, layout::filler_key, "");
  put_as_php(memory, 9, "i:9;");
  Variables variables(memory.bytes());
  variables.put(0, "i:2;");
  CHECK_FALSE(variables.has(layout::filler_key));
  CHECK(variables.get(9) == "i:9;");
  CHECK(variables.get(8) == "a:0:{}");
}

TEST_CASE("Room that a dying PHP process counted twice is counted anew") {
  Memory memory = table_of_php();
  memory.set(layout::header::free, memory.get(layout::header::free) + 40);
  Variables variables(memory.bytes());
  CHECK(is_counted(memory));
  CHECK(variables.get(0) == "i:41;");
}

TEST_CASE("A longer step than its text needs is followed as it stands") {
  Memory memory(1000);
  memory.header();
  memory.chunk(40, 0, "i:1;");
  memory.set(40 + layout::chunk::next, 80);
  memory.chunk(120, 7, "i:7;");
  memory.set(layout::header::end, 160);
  memory.set(layout::header::free, 840);
  CHECK(Variables(memory.bytes()).get(7) == "i:7;");
}

TEST_CASE("A chunk at an odd offset is read, and not updated") {
  Memory memory(1000);
  memory.header();
  memory.set(layout::header::start, 41);
  memory.chunk(41, 0, "i:1;");
  memory.set(layout::header::end, 81);
  memory.set(layout::header::free, 919);
  Variables variables(memory.bytes());
  CHECK(variables.get(0) == "i:1;");
  const std::string before = memory.copy();
  CHECK_THROWS_AS(variables.put(0, "i:2;"), Damaged);
  CHECK(Variables(memory.bytes()).get(0) == "i:1;");
}

// The hostile headers and chunks that crash PHP, or make it loop or write outside.

TEST_CASE("An end beyond the segment is damage") {
  Memory memory = table_of_php();
  memory.set(layout::header::end, 1 << 30);
  CHECK(reason_of(memory) == "header: end is 1073741824, not 40 to 10000");
}

TEST_CASE("A start before the header, or negative, is damage") {
  Memory memory = table_of_php();
  memory.set(layout::header::start, -(std::int64_t{1} << 40));
  CHECK_THAT(reason_of(memory), support::contains("header: start is -1099511627776"));
  memory.set(layout::header::start, 0);
  CHECK_THAT(reason_of(memory), support::contains("header: start is 0"));
}

TEST_CASE("An end before the start is damage") {
  Memory memory = table_of_php();
  memory.set(layout::header::start, 200);
  memory.set(layout::header::end, 100);
  CHECK_THAT(reason_of(memory), support::contains("header: start is 200, not 40 to 100"));
}

TEST_CASE("More free room than the segment has is damage") {
  Memory memory(4096);
  memory.header();
  memory.set(layout::header::free, std::int64_t{1} << 40);
  CHECK_THAT(reason_of(memory), support::contains("header: free is 1099511627776"));
  memory.set(layout::header::free, -1);
  CHECK_THAT(reason_of(memory), support::contains("header: free is -1"));
}

TEST_CASE("An end and free room that only agree with each other are damage") {
  Memory memory(4096);
  memory.header();
  memory.set(layout::header::end, std::int64_t{1} << 40);
  memory.set(layout::header::free, std::int64_t{1} << 40);
  CHECK_THAT(reason_of(memory), support::contains("header: end is 1099511627776"));
}

TEST_CASE("A text longer than the table is damage") {
  Memory memory = table_of_php();
  memory.set(40 + layout::chunk::length, INT64_MAX);
  CHECK_THAT(reason_of(memory), support::contains("chunk at 40: length is 9223372036854775807"));
  memory.set(40 + layout::chunk::length, -5);
  CHECK_THAT(reason_of(memory), support::contains("chunk at 40: length is -5"));
}

TEST_CASE("A step of nothing, backwards or past the end is damage") {
  for (const std::int64_t next :
       {std::int64_t{0}, std::int64_t{-40}, std::int64_t{1} << 62, std::int64_t{9000}}) {
    CAPTURE(next);
    Memory memory = table_of_php();
    memory.set(40 + layout::chunk::next, next);
    CHECK_THAT(reason_of(memory), support::contains("chunk at 40: next is"));
  }
}

TEST_CASE("A second chunk that leads back to the first is damage, not a loop") {
  Memory memory = table_of_php();
  memory.set(80 + layout::chunk::next, -40);
  CHECK_THAT(reason_of(memory), support::contains("chunk at 80: next is -40"));
}

TEST_CASE("Chunks that do not end where the table ends are damage") {
  Memory memory = table_of_php();
  memory.set(layout::header::end, memory.get(layout::header::end) + 16);
  memory.set(layout::header::free, memory.get(layout::header::free) - 16);
  CHECK_THAT(reason_of(memory), support::contains("header: end"));
}

// A header or chunk that PHP's own reports name (php-src 22982, 23495), in a table of variables 0,
// 7 and 8 at 40, 80 and 120.
struct Hostile {
  const char* name;
  std::vector<std::pair<std::size_t, std::int64_t>> words;
};

TEST_CASE("Every hostile header or chunk is damage to every change and every look, and stays") {
  constexpr std::int64_t tera = std::int64_t{1} << 40;
  namespace header = layout::header;
  namespace chunk = layout::chunk;
  const std::vector<Hostile> all = {
      {"end beyond the segment", {{header::end, 1 << 30}}},
      {"end beyond the segment, length too",
       {{header::end, 1 << 30}, {40 + chunk::length, 1 << 20}}},
      {"start far before the segment", {{header::start, -tera}}},
      {"length beyond any memory", {{40 + chunk::length, INT64_MAX}}},
      {"length negative", {{40 + chunk::length, -5}}},
      {"next of nothing", {{40 + chunk::next, 0}}},
      {"next negative", {{40 + chunk::next, -40}}},
      {"second next back to the first", {{80 + chunk::next, -40}}},
      {"next beyond any memory", {{40 + chunk::next, std::int64_t{1} << 62}}},
      {"next past the end", {{40 + chunk::next, 9000}}},
      {"free beyond the segment", {{header::free, tera}}},
      {"free beyond the segment, nothing there", {{header::end, 40}, {header::free, tera}}},
      {"free negative", {{header::free, -1}}},
      {"end and free alike, far outside", {{header::end, tera}, {header::free, tera}}},
  };
  for (const Hostile& hostile : all) {
    CAPTURE(hostile.name);
    Memory memory = table_of_php();
    for (const auto& [offset, word] : hostile.words) memory.set(offset, word);
    const std::string before = memory.copy();
    CHECK_THROWS_AS(Variables(memory.bytes()).get(99), Damaged);
    CHECK_THROWS_AS(Variables(memory.bytes()).check(), Damaged);
    CHECK_THROWS_AS(Variables(memory.bytes()).all(), Damaged);
    CHECK_THROWS_AS(Variables(memory.bytes()).put(99, std::string(5000, 'x')), Damaged);
    CHECK_THROWS_AS(Variables(memory.bytes()).remove(99), Damaged);
    CHECK(memory.copy() == before);
  }
}

TEST_CASE("A length of nothing over a value is a value of no bytes, and mended by the next put") {
  Memory memory = table_of_php();
  memory.set(40 + layout::chunk::length, 0);
  Variables variables(memory.bytes());
  CHECK(variables.get(0) == "");
  variables.put(0, "i:42;");
  CHECK(variables.get(0) == "i:42;");
  CHECK(variables.all().size() == 3);
}

TEST_CASE("Zeros of another size than expected hold as much as there is") {
  Memory memory(4096);
  Variables variables = Variables::of(memory.bytes(), generation);
  CHECK_THROWS_AS(variables.put(0, std::string(1 << 20, 'x')), NoRoom);
  CHECK(memory.get(layout::header::total) == 4096);
}

TEST_CASE("Room that was counted twice takes no text that has none") {
  Memory memory = table_of_php();
  const std::int64_t free = memory.get(layout::header::free);
  memory.set(layout::header::free, free + 48);
  const std::string text(static_cast<std::size_t>(free) + 1, 'x');
  CHECK_THROWS_AS(Variables(memory.bytes()).put(5, text), NoRoom);
  CHECK(is_counted(memory));
}

// What was checked is what is used: a copy, whatever becomes of the segment meanwhile.

TEST_CASE("Whatever is changed between two instructions, nothing outside the segment is touched") {
  const Guarded memory;
  std::mt19937 random(20261124);
  for (unsigned number = 0; number < 120; ++number) {
    CAPTURE(number);
    fill(memory.bytes(), number);
    Enemy enemy(memory.bytes(), number);
    const auto moment = static_cast<long>(random() % 600);
    REQUIRE(survives(
        moment, [&] { use(memory.bytes(), number); },
        [&] {
          enemy.act();
          enemy.act();
        }));
  }
}

TEST_CASE("A first variable that grows while a number is put forward past it does no harm") {
  const Guarded memory;
  for (long moment = 0; moment < 4000; moment += 250) {
    CAPTURE(moment);
    Memory table(Guarded::size);
    table.header();
    for (int key = 20; key >= 0; --key) {
      put_as_php(table, key, key == 10 ? std::string(2600, 'x') : "i:5;");
    }
    put_twice(table.bytes(), 0);
    std::ranges::copy(table.bytes(), memory.bytes().begin());
    table.set(40 + layout::chunk::length, 3000);
    table.set(40 + layout::chunk::next, 3200);
    REQUIRE(survives(
        moment,
        [&] {
          try {
            Variables(memory.bytes()).put_forward(0, "i:6;");
          } catch (const std::runtime_error&) {
          }
        },
        [&] { std::memcpy(memory.bytes().data() + 40, table.bytes().data() + 40, 24); }));
  }
}

TEST_CASE("A last variable that becomes a filler while the one before is removed does no harm") {
  const Guarded memory;
  for (long moment = 0; moment < 600; moment += 10) {
    CAPTURE(moment);
    Memory table(Guarded::size);
    table.header();
    put_as_php(table, 1, "i:1;");
    put_as_php(table, 2, "i:2;");
    std::ranges::copy(table.bytes(), memory.bytes().begin());
    REQUIRE(survives(
        moment, [&] { Variables(memory.bytes()).remove(1); },
        [&] { std::memcpy(memory.bytes().data() + 80, &layout::filler_key, 8); }));
  }
}

TEST_CASE("While another process keeps changing the segment, nothing outside it is touched") {
  const Guarded memory;
  fill(memory.bytes(), 0);
  support::Child enemy([&] {
    for (Enemy him(memory.bytes(), 20261124);;) him.act();
    return 0;
  });
  CHECK(support::in_child([&] {
          for (unsigned number = 0; number < 30000; ++number) use(memory.bytes(), number);
          return 0;
        }) == 0);
  CHECK_FALSE(enemy.has_ended());
}
