#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"
#include "support/stepper.hpp"
#include "sysv/diagnosis.hpp"
#include "sysv/layout.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"
#include "sysv/value.hpp"
#include "sysv/variables.hpp"
#include "visits/counter.hpp"

// A process is killed between taking the lock and giving it back, one process per instruction, at
// every instruction that there is. After each kill a fresh process of ours takes the lock and
// looks; and for every different memory that a kill has left, so does a fresh process of PHP. (PHP
// sees nothing but the memory and the semaphore, so two kills that leave both the same are one to
// it. With VISITS_KILL=everywhere it looks after each all the same, which takes minutes.)

namespace {

namespace header = sysv::layout::header;
using sysv::Segment;
using sysv::Variables;
using Table = std::map<std::int64_t, std::string>;

// A text without what may follow its value for a moment, which every reader ignores.
std::string value_in(const std::string& text) {
  const auto value = sysv::unserialize(text);
  return value ? sysv::serialize(*value) : text;
}

Table table_in(const std::vector<sysv::Variable>& variables) {
  Table table;
  for (const sysv::Variable& variable : variables) table[variable.key] = value_in(variable.text);
  return table;
}

// And of those that may never be there.
std::set<std::int64_t> keys_of(const Table& before, const Table& after) {
  std::set<std::int64_t> keys = {0, 7, 8};
  for (const Table* const table : {&before, &after}) {
    for (const auto& [key, text] : *table) keys.insert(key);
  }
  return keys;
}

std::string copy_of(const Segment& segment) {
  return {reinterpret_cast<const char*>(segment.bytes().data()), segment.bytes().size()};
}

void restore(const Segment& segment, const std::string& bytes) {
  std::memcpy(segment.bytes().data(), bytes.data(), bytes.size());
}

using Bytes = std::span<std::byte>;
using Work = std::function<void(Bytes)>;

Work on_table(const std::function<void(Variables&)>& work) {
  return [work](Bytes bytes) {
    Variables variables = Variables::of(bytes, 1);
    work(variables);
  };
}

const Table three = {{0, "i:41;"}, {7, "s:5:\"seven\";"}, {8, "N;"}};

void nothing(Bytes) {}
const Work make_table = on_table([](Variables&) {});

// What is done to a segment of that size by a process that is to be killed.
struct Change {
  std::size_t size = 4096;
  std::string php{};          // code that makes the segment $id, instead of us
  Work prepare = make_table;  // all that was done then, in peace
  Work work = nothing;        // under the lock
  Work first = nothing;       // by who looks afterwards, before all else
  bool is_counters = false;   // the work is a visit that visits::Counter adds
};

// What a process finds that looks afterwards; its exit code.
enum class Found : int { old_values, new_values, a_mixture, a_held_lock, no_room, damage = 99 };

std::string text_of(Found found) {
  switch (found) {
    case Found::old_values: return "the old values";
    case Found::new_values: return "the new values";
    case Found::a_mixture: return "neither the old values nor the new ones";
    case Found::a_held_lock: return "the lock is held";
    case Found::no_room: return "what is put next is not there";
    default: return "it cannot be read, or nothing can be put";
  }
}

bool php_looks_everywhere() {
  const char* const wish = std::getenv("VISITS_KILL");
  return wish != nullptr && std::string_view(wish) == "everywhere";
}

struct Killing : support::Scratch {
  std::string php_prelude() const {
    const std::string number = std::to_string(scratch.number());
    return "$s = sem_get(" + number + "); if (!sem_acquire($s, true)) exit(3); $id = shm_attach(" +
           number + "); ";
  }

  // In a fresh process of ours: the lock is free, the table is sound, the next puts work.
  Found look(const Change& change, const Table& before, const Table& after) const {
    sysv::Semaphore semaphore(key);
    if (!semaphore.try_acquire()) return Found::a_held_lock;
    const sysv::Hold hold(semaphore);
    const auto segment = Segment::open(key);
    change.first(segment->bytes());
    Variables variables = Variables::of(segment->bytes(), 1);
    variables.check();
    const Table found = table_in(variables.all());
    Table expected = found;
    for (const auto& [variable, text] : found) variables.put(variable, text);
    variables.put(99, expected[99] = "i:99;");
    variables.check();
    if (table_in(variables.all()) != expected) return Found::no_room;
    if (found == before) return Found::old_values;
    return found == after ? Found::new_values : Found::a_mixture;
  }

  // A fresh process of PHP's, on the memory as the kill left it.
  void look_in_php(const std::set<std::int64_t>& keys, const Table& expected) {
    std::string list;
    for (const std::int64_t k : keys) list += std::to_string(k) + ",";
    const std::string text = support::php(
        php_prelude() + "foreach ([" + list +
        "] as $k) { if (shm_has_var($id, $k)) echo $k, '=', serialize(shm_get_var($id, $k)), "
        "\"\\n\"; }"
        "shm_put_var($id, 99, 'put'); if (shm_get_var($id, 99) !== 'put') echo 'put fails';"
        "foreach ([" +
        list +
        "] as $k) { if (shm_has_var($id, $k)) shm_put_var($id, $k, shm_get_var($id, $k)); }"
        "foreach ([" +
        list +
        "] as $k) { if (shm_has_var($id, $k)) echo $k, '=', serialize(shm_get_var($id, $k)), "
        "\"\\n\"; }");
    std::string once;
    for (const std::int64_t k : keys) {
      if (const auto found = expected.find(k); found != expected.end()) {
        once += std::to_string(k) + "=" + found->second + "\n";
      }
    }
    REQUIRE(text == once + once);
  }

  // A segment as it is before the change.
  Segment prepared(const Change& change) const {
    if (!change.php.empty()) support::php(php_prelude() + change.php);
    auto segment = change.php.empty() ? Segment::create(key, change.size) : Segment::open(key);
    REQUIRE(segment.has_value());
    change.prepare(segment->bytes());
    return std::move(*segment);
  }

  using Mark = void (*)();

  // What the process does that is killed between the two marks.
  void run(const Segment& segment, const Change& change, Mark mark) const {
    if (change.is_counters) return add_visit(mark);
    sysv::Semaphore semaphore(key);
    mark();
    if (!semaphore.try_acquire()) _exit(1);
    {
      const sysv::Hold hold(semaphore);
      change.work(segment.bytes());
    }
    mark();
  }

  void add_visit(Mark mark) const {
    visits::Counter counter({.key = key}, [](const std::string&) {});
    (void)counter.count();  // opens set and segment
    mark();
    (void)counter.add_visit();
    mark();
  }

  void kill_within(const Change& change) {
    const sysv::Semaphore keeper(key);  // the set outlives every kill
    Segment segment = prepared(change);
    const std::string original = copy_of(segment);
    const Table before = table_seen(segment, change);
    restore(segment, original);
    support::Doomed doomed({.rehearsal = [&] { run(segment, change, [] {}); },
                            .body = [&] { run(segment, change, support::mark); },
                            .reset = [&] { restore(segment, original); }});
    const Table after = table_seen(segment, change);  // of the rehearsal

    std::set<std::string> memories = {original};
    std::vector<const std::string*> left = {&*memories.begin()};
    const long last =
        doomed.walk([&](long) { left.push_back(&*memories.insert(copy_of(segment)).first); });
    std::set<const std::string*> seen_by_php;
    for (long point = 0; point <= last; ++point) {
      CAPTURE(point);
      doomed.kill_after(point);
      const std::string& memory = *left[static_cast<std::size_t>(point)];
      const bool is_as_walked = copy_of(segment) == memory;
      REQUIRE(is_as_walked);
      REQUIRE(semctl(keeper.id(), 0, GETVAL) == 1);
      REQUIRE(semctl(keeper.id(), 1, GETVAL) == 1);

      const auto found = static_cast<Found>(
          support::in_child([&] { return static_cast<int>(look(change, before, after)); }));
      CAPTURE(text_of(found));
      REQUIRE((found == Found::old_values || found == Found::new_values));
      if (seen_by_php.insert(&memory).second || php_looks_everywhere()) {
        restore(segment, memory);
        change.first(segment.bytes());
        look_in_php(keys_of(before, after), found == Found::old_values ? before : after);
      }
    }
    segment.remove();
    WARN(last + 1 << " kills left " << memories.size() << " different memories");
    CHECK(memories.size() > 1);
  }

  // The variables that whoever looks now will find.
  static Table table_seen(const Segment& segment, const Change& change) {
    change.first(segment.bytes());
    return table_in(Variables::of(segment.bytes(), 1).all());
  }
};

}  // namespace

TEST_CASE_METHOD(Killing, "Killed at any instruction of making a table, the next one makes it") {
  kill_within(
      {.size = 320, .prepare = nothing, .work = on_table([](Variables& v) { v.put(0, "i:1;"); })});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a first put, the table is as before or after") {
  kill_within({.work = on_table([](Variables& v) { v.put(0, "i:1;"); })});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a counter's step, the count is old or new") {
  kill_within({.prepare = on_table([](Variables& v) { v.put(0, "i:99;"); }), .is_counters = true});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of an update of the last variable, it is old or new") {
  kill_within({.prepare = on_table([](Variables& v) {
                 v.put(7, "s:5:\"seven\";");
                 v.put(0, "i:41;");
               }),
               .work = on_table([](Variables& v) { v.put(0, "s:12:\"longer value\";"); })});
}

// PHP's own segment, with start = 40: there is no room anywhere, and all is moved twice.
TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of taking over PHP's table, every variable stays") {
  kill_within({.php = "shm_put_var($id, 0, 41); shm_put_var($id, 7, 'seven');"
                      "shm_put_var($id, 8, [true]);",
               .work = on_table([](Variables& v) { v.put(0, "i:42;"); })});
}

// Not a byte is free. A text that is longer than its value, for a moment, is the same to PHP.
TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a step in a segment PHP filled, it is old or new") {
  for (const std::string& count : {std::string("41"), std::string("99"), std::string("999999")}) {
    kill_within({.php = "shm_remove($id); $id = shm_attach(" + std::to_string(scratch.number()) +
                        ", 288); shm_put_var($id, 0, " + count + ");" +
                        "shm_put_var($id, 7, 'seven'); shm_put_var($id, 8, [true]);",
                 .is_counters = true});
  }
}

// So many variables before it that it is to stand first. In PHP's segment those that stood there go
// to the end before that, and one more comes behind the count; in ours too, and there is none.
TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of putting a count forward, every variable stays") {
  kill_within({.php = "for ($k = 1; $k < 18; ++$k) shm_put_var($id, $k, $k == 1 ? str_repeat('x', "
                      "90) : $k); shm_put_var($id, 0, 40); shm_put_var($id, 100, true);",
               .prepare = on_table([](Variables& v) { v.put(0, "i:41;"); }),
               .is_counters = true});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of putting forward a count in our segment, all stay") {
  kill_within({.prepare = on_table([](Variables& v) {
                 for (std::int64_t k = 1; k < 18; ++k) v.put(k, "i:" + std::to_string(k) + ";");
                 for (const char* const text : {"i:39;", "i:40;", "i:41;"}) v.put(0, text);
               }),
               .work = on_table([](Variables& v) { v.put_forward(0, "i:42;"); })});
}

TEST_CASE_METHOD(Killing, "Killed at any instruction of a removal, the variable is there or gone") {
  const Work put_three = on_table([](Variables& v) {
    for (const auto& [variable, text] : three) v.put(variable, text);
  });
  for (const std::int64_t variable : {0, 7, 8}) {
    kill_within(
        {.prepare = put_three, .work = on_table([&](Variables& v) { v.remove(variable); })});
  }
}

// Whoever comes next mends what is left to be mended; until then PHP must not come near. What is to
// be stored is known before: a diagnosis writes nothing.
TEST_CASE_METHOD(Killing, "Killed at any instruction of a mending, the next one saves as much") {
  const Work damage = [](Bytes bytes) {
    Variables table = Variables::of(bytes, 1);
    for (const auto& [variable, text] : three) table.put(variable, text);
    for (const std::size_t word : {header::start, header::end, header::free}) {
      std::memset(bytes.data() + word, 0xff, sizeof(std::int64_t));
    }
  };
  std::array<std::int64_t, 512> copy{};
  damage(std::as_writable_bytes(std::span(copy)));
  const sysv::Diagnosis diagnosis = sysv::diagnosis_of(std::as_bytes(std::span(copy)));
  kill_within({.prepare = damage,
               .work = [&](Bytes bytes) { sysv::mend(bytes, diagnosis); },
               .first = [](Bytes bytes) { sysv::mend(bytes, sysv::diagnosis_of(bytes)); }});
}
