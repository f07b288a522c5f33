#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

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
#include "support/scratch.hpp"
#include "support/site.hpp"
#include "support/stepper.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"
#include "sysv/value.hpp"
#include "sysv/variables.hpp"
#include "visits/counter.hpp"

// A process is killed inside what it does between taking the lock and giving it back, a process per
// instruction. After each kill we take the lock and look; and for every different memory that a
// kill has left, so does a PHP that knows nothing of it. (PHP sees nothing but the memory and the
// semaphore, so two kills that leave the same are one to it.)
//
// The steps of the counter are killed at every single instruction. The longer changes are stepped
// through once, with a look at memory and semaphore after every instruction, and killed before and
// after each that changed something; VISITS_KILL=everywhere kills those at every instruction, too.

namespace {

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

std::string copy_of(const Segment& segment) {
  return {reinterpret_cast<const char*>(segment.bytes().data()), segment.bytes().size()};
}

// What is done under the lock, and the variables before and after it.
struct Change {
  std::size_t size = 4096;
  bool every = false;  // kill at every instruction
  std::string php{};   // code that makes the segment $id, instead of us and `prepare`
  std::function<void(Variables&)> prepare;
  std::function<void(Variables&)> work;
};

// The same on a copy, so that the dynamic linker and the allocator have done what they do only the
// first time: it would be most of the instructions, and touches no shared memory.
void rehearse(sysv::Semaphore& semaphore, const std::string& bytes, const Change& change) {
  std::vector<std::int64_t> words(bytes.size() / sizeof(std::int64_t));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(std::int64_t));
  Variables variables = Variables::of(std::as_writable_bytes(std::span(words)), 1);
  change.work(variables);
  if (!semaphore.try_acquire()) _exit(1);
  semaphore.release();
}

void restore(const Segment& segment, const std::string& bytes) {
  std::memcpy(segment.bytes().data(), bytes.data(), bytes.size());
}

struct Killing : support::Scratch {
  std::string php_prelude() const {
    const std::string number = std::to_string(scratch.number());
    return "$s = sem_get(" + number + "); if (!sem_acquire($s, true)) exit(3); $id = shm_attach(" +
           number + "); ";
  }

  // A fresh process of ours: the lock is free, the table is sound, the next put works.
  Table look(const Segment& segment) {
    sysv::Semaphore semaphore(key);
    REQUIRE(semaphore.try_acquire());
    const sysv::Hold hold(semaphore);
    const std::string as_it_was = copy_of(segment);
    Variables variables = Variables::of(segment.bytes(), 1);
    variables.check();
    const Table found = table_in(variables.all());
    for (const auto& [variable, text] : found) variables.put(variable, text);
    variables.put(99, "i:99;");
    variables.check();
    Table expected = found;
    expected[99] = "i:99;";
    REQUIRE(table_in(variables.all()) == expected);
    restore(segment, as_it_was);
    return found;
  }

  // A fresh process of PHP's, on the memory as the kill left it.
  void look_in_php(const std::vector<std::int64_t>& keys, const Table& expected) {
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
    if (!change.php.empty()) {
      support::php(php_prelude() + change.php);
      return std::move(*Segment::open(key));
    }
    auto segment = Segment::create(key, change.size);
    REQUIRE(segment.has_value());
    Variables variables = Variables::of(segment->bytes(), 1);
    change.prepare(variables);
    return std::move(*segment);
  }

  // The critical section, for a child.
  void run(const Segment& segment, const Change& change) const {
    sysv::Semaphore semaphore(key);
    rehearse(semaphore, copy_of(segment), change);
    support::mark();
    if (!semaphore.try_acquire()) _exit(1);
    {
      const sysv::Hold hold(semaphore);
      Variables variables = Variables::of(segment.bytes(), 1);
      change.work(variables);
    }
    support::mark();
  }

  // The numbers of the instructions to be killed after.
  std::set<long> points(const Change& change, const sysv::Semaphore& keeper) {
    const char* const wish = std::getenv("VISITS_KILL");
    const bool all = change.every || (wish != nullptr && std::string_view(wish) == "everywhere");
    Segment segment = prepared(change);
    std::string last = copy_of(segment) + std::to_string(semctl(keeper.id(), 0, GETVAL));
    std::set<long> found = {0};
    const long length = support::step_through(
        [&] { run(segment, change); },
        [&](long step) {
          std::string now = copy_of(segment) + std::to_string(semctl(keeper.id(), 0, GETVAL));
          if (all || now != last) found.insert({step - 1, step});
          last = std::move(now);
        });
    segment.remove();
    found.insert(length);
    WARN(length << " instructions, " << found.size() << " of them a kill");
    return found;
  }

  void kill_within(const Change& change) {
    const sysv::Semaphore keeper(key);  // the set outlives every kill
    std::set<std::string> seen;
    for (const long point : points(change, keeper)) {
      CAPTURE(point);
      Segment segment = prepared(change);
      const std::string original = copy_of(segment);
      const Table before = table_in(Variables(segment.bytes()).all());
      REQUIRE(support::killed_after(point, [&] { run(segment, change); }));
      REQUIRE(semctl(keeper.id(), 0, GETVAL) == 1);
      REQUIRE(semctl(keeper.id(), 1, GETVAL) == 1);

      const std::string left = copy_of(segment);
      restore(segment, original);
      Variables whole = Variables::of(segment.bytes(), 1);
      change.work(whole);
      const Table after = table_in(whole.all());
      restore(segment, left);
      const Table found = look(segment);
      REQUIRE((found == before || found == after));
      if (seen.insert(left).second) look_in_php({0, 7, 8}, found);
      segment.remove();
    }
    WARN(seen.size() << " different memories");
    CHECK(seen.size() > 1);
  }
};

void nothing(Variables&) {}

}  // namespace

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a first put, the table is as before or after") {
  kill_within({.every = true, .prepare = nothing, .work = [](Variables& v) { v.put(0, "i:1;"); }});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a counter's step, the count is old or new") {
  kill_within({.every = true,
               .prepare = [](Variables& v) { v.put(0, "i:99;"); },
               .work =
                   [](Variables& v) {
                     const auto count = sysv::integer_in(*v.get(0));
                     v.put(0, sysv::serialized(*count + 1));
                   }});
}

TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of an update of the last variable, it is old or new") {
  kill_within({.prepare =
                   [](Variables& v) {
                     v.put(7, "s:5:\"seven\";");
                     v.put(0, "i:41;");
                   },
               .work = [](Variables& v) { v.put(0, "s:12:\"longer value\";"); }});
}

// PHP's own segment, with start = 40: there is no room anywhere, and all is moved twice.
TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of taking over PHP's table, every variable stays") {
  kill_within({.php = "shm_put_var($id, 0, 41); shm_put_var($id, 7, 'seven');"
                      "shm_put_var($id, 8, [true]);",
               .prepare = nothing,
               .work = [](Variables& v) { v.put(0, "i:42;"); }});
}

// Not a byte is free. A text that is longer than its value, for a moment, is the same to PHP.
TEST_CASE_METHOD(Killing,
                 "Killed at any instruction of a step in a segment PHP filled, it is old or new") {
  for (const std::string& step : {std::string("41"), std::string("99"), std::string("999999")}) {
    kill_within({.php = "shm_remove($id); $id = shm_attach(" + std::to_string(scratch.number()) +
                        ", 288); shm_put_var($id, 0, " + step + ");" +
                        "shm_put_var($id, 7, 'seven'); shm_put_var($id, 8, [true]);",
                 .prepare = nothing,
                 .work = [](Variables& v) {
                   const auto count = sysv::integer_in(*v.get(0));
                   v.put(0, sysv::serialized(*count + 1));
                 }});
  }
}

TEST_CASE_METHOD(Killing, "Killed at any instruction of a removal, the variable is there or gone") {
  const auto three = [](Variables& v) {
    v.put(0, "i:41;");
    v.put(7, "s:5:\"seven\";");
    v.put(8, "N;");
  };
  for (const std::int64_t variable : {0, 7, 8}) {
    kill_within({.prepare = three, .work = [&](Variables& v) { v.remove(variable); }});
  }
}
