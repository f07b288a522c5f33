#include "sysv/diagnosis.hpp"

#include <algorithm>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/memory.hpp"
#include "support/sanitized.hpp"
#include "support/scratch.hpp"
#include "support/stepper.hpp"
#include "sysv/segment.hpp"
#include "sysv/value.hpp"

using support::Memory;
using sysv::diagnosis_of;
using sysv::Finding;
using sysv::Variable;
namespace layout = sysv::layout;
namespace header = sysv::layout::header;
namespace chunk = sysv::layout::chunk;

namespace {

using List = std::vector<Variable>;

const List three = {{1, "i:1;"}, {2, "s:9:\"two hands\";"}, {3, "i:3;"}};

// PHP's table of the three: at 40, 80 and 128, up to 168.
struct Three : Memory {
  Three() : Memory(400) {
    header(168);
    chunk(chunk(chunk(40, 1, three[0].text), 2, three[1].text), 3, three[2].text);
  }
};

Memory mended(Memory memory) {
  const sysv::Diagnosis diagnosis = diagnosis_of(memory.bytes());
  REQUIRE(diagnosis.is_repairable);
  sysv::mend(memory.bytes(), diagnosis);
  return memory;
}

List saved(const Memory& memory) {
  Memory after = mended(memory);
  const sysv::Diagnosis diagnosis = diagnosis_of(after.bytes());
  CHECK(diagnosis.is_sound());
  CHECK(diagnosis.mending.empty());
  const sysv::Variables variables(after.bytes());
  CHECK_NOTHROW(variables.check());
  return variables.all();
}

// After each of a mending's stores, as after the last one, the same variables are saved.
void check_every_state(Memory memory) {
  const sysv::Diagnosis whole = diagnosis_of(memory.bytes());
  for (std::size_t done = 0; done < whole.mending.size(); ++done) {
    CAPTURE(done);
    memory.set(whole.mending[done].offset, whole.mending[done].word);
    const sysv::Diagnosis now = diagnosis_of(memory.bytes());
    REQUIRE(now.is_repairable);
    REQUIRE(now.variables == whole.variables);
    Memory anew = memory;
    sysv::mend(anew.bytes(), now);
    REQUIRE_NOTHROW(sysv::Variables(anew.bytes()).check());
    REQUIRE(diagnosis_of(anew.bytes()).variables == whole.variables);
    REQUIRE(diagnosis_of(anew.bytes()).mending.empty());
  }
}

bool is_damaged_at(Memory& memory, std::size_t offset) {
  const sysv::Diagnosis diagnosis = diagnosis_of(memory.bytes());
  return !diagnosis.is_sound() && diagnosis.findings.front().offset == offset;
}

}  // namespace

TEST_CASE_METHOD(Three, "A sound table has nothing to find, and its repair is the same table") {
  CHECK(diagnosis_of(bytes()).is_sound());
  CHECK(diagnosis_of(bytes()).findings.empty());
  CHECK(diagnosis_of(bytes()).variables == three);
  CHECK(saved(*this) == three);
}

TEST_CASE_METHOD(Three, "R1: room counted as free too early is found, and counted anew") {
  set(header::free, 400 - 168 + 40);
  CHECK(is_damaged_at(*this, header::free));
  CHECK(saved(*this) == three);
}

TEST_CASE_METHOD(Three,
                 "R2: variables that an end has cut off come back, the removed one with them") {
  set(header::free, 400 - 128 + 8);
  set(header::end, 128 - 8);  // variable 2, of 48 bytes, was being removed
  CHECK(is_damaged_at(*this, header::end));
  CHECK(saved(*this) == three);
}

TEST_CASE_METHOD(Three,
                 "A5: an end that moved on before the room was counted is found and mended") {
  chunk(168, 4, "i:4;");
  set(header::end, 208);
  CHECK(is_damaged_at(*this, header::free));
  CHECK(saved(*this).size() == 4);
}

TEST_CASE_METHOD(Three, "A1 to A4: what a dead writer left behind the end is no damage") {
  set(168 + chunk::next, 40);
  set(168 + chunk::key, 1);
  set(168 + chunk::length, 4);
  CHECK(diagnosis_of(bytes()).is_sound());
  CHECK(saved(*this) == three);
}

TEST_CASE("I1 and I2: a header that PHP never finished becomes an empty table") {
  for (const std::int64_t offset : {0, 40}) {
    CAPTURE(offset);
    Memory memory(400);
    memory.header();
    memory.set(header::start, offset);
    memory.set(header::end, offset);
    memory.set(header::free, 0);
    memory.set(header::total, 0);
    CHECK_FALSE(diagnosis_of(memory.bytes()).is_table);
    CHECK(is_damaged_at(memory, header::start));
    CHECK(saved(memory).empty());
  }
}

TEST_CASE("A table of ours whose maker died before the magic becomes an empty one, its name kept") {
  Memory memory(400);
  memory.set(layout::own::magic, layout::own_magic);
  memory.set(layout::own::version, layout::own_version);
  memory.set(layout::own::generation, 77);
  memory.set(header::start, layout::own::size);
  CHECK_FALSE(diagnosis_of(memory.bytes()).is_table);
  CHECK(saved(memory).empty());
  CHECK(sysv::header_in(mended(memory).bytes())->generation == 77);
}

TEST_CASE("Bytes that are not PHP's are named as such, and not repaired") {
  Memory blank(400);
  Memory foreign(400);
  for (std::size_t at = 0; at < 400; at += 8) foreign.set(at, 0x0123456789abcdef);
  Memory small(16);
  for (Memory* memory : {&blank, &foreign, &small}) {
    const sysv::Diagnosis diagnosis = diagnosis_of(memory->bytes());
    CHECK_FALSE(diagnosis.is_table);
    CHECK_FALSE(diagnosis.is_sound());
    CHECK_FALSE(diagnosis.is_repairable);
    CHECK(diagnosis.findings.size() == 1);
    CHECK(diagnosis.mending.empty());
    CHECK_FALSE(sysv::header_in(memory->bytes()).has_value());
  }
}

TEST_CASE_METHOD(Three, "An end beyond the segment is found by walking") {
  for (const std::int64_t end : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 40}) {
    CAPTURE(end);
    set(header::end, end);
    CHECK(is_damaged_at(*this, header::end));
    CHECK(saved(*this) == three);
  }
}

TEST_CASE_METHOD(Three, "An end behind the last chunk is taken back to it") {
  set(header::end, 168 + 16);
  set(header::free, 400 - 168 - 16);
  CHECK(is_damaged_at(*this, 168));
  CHECK(saved(*this) == three);
}

TEST_CASE_METHOD(Three, "A start outside the segment is looked for behind the header") {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{-8}, std::int64_t{1} << 40}) {
    CAPTURE(start);
    set(header::start, start);
    CHECK(is_damaged_at(*this, header::start));
    CHECK(saved(*this) == three);
  }
}

TEST_CASE_METHOD(Three, "An impossible next is told from the text where the next chunk is there") {
  for (const std::int64_t next : {0L, -40L, 1000L, 1L << 62}) {
    CAPTURE(next);
    set(80 + chunk::next, next);
    CHECK(is_damaged_at(*this, 80 + chunk::next));
    CHECK(saved(*this) == three);
  }
}

TEST_CASE_METHOD(Three, "An impossible length is told from the text, or the value is lost alone") {
  for (const std::int64_t length : {-5L, 1000L, INT64_MAX}) {
    CAPTURE(length);
    set(80 + chunk::length, length);
    CHECK(is_damaged_at(*this, 80 + chunk::length));
    CHECK(saved(*this) == three);
  }
  set(80 + chunk::text, 0);
  CHECK(saved(*this) == List{three[0], three[2]});
}

TEST_CASE_METHOD(Three, "What stands before a chunk that cannot be told is kept") {
  set(80 + chunk::length, -1);
  set(80 + chunk::next, -1);
  CHECK(is_damaged_at(*this, 80));
  CHECK(saved(*this) == List{three[0]});
}

TEST_CASE_METHOD(Three, "A second variable of a key is damage, and dropped") {
  set(128 + chunk::key, 1);
  CHECK(is_damaged_at(*this, 128));
  CHECK(saved(*this) == List{three[0], three[1]});
}

TEST_CASE_METHOD(Three, "Left-over room is a note, and stays where it is") {
  set(80 + chunk::key, layout::filler_key);
  const sysv::Diagnosis diagnosis = diagnosis_of(bytes());
  CHECK(diagnosis.is_sound());
  REQUIRE(diagnosis.findings.size() == 1);
  CHECK(diagnosis.findings[0].weight == Finding::Weight::note);
  CHECK(diagnosis.mending.empty());
}

TEST_CASE_METHOD(Three, "A value that PHP cannot read is damage that a repair leaves as it is") {
  set(40 + chunk::text, 0x7878787878787878);
  CHECK(is_damaged_at(*this, 40 + chunk::text));
  CHECK(diagnosis_of(bytes()).mending.empty());
  CHECK(diagnosis_of(bytes()).variables.front() == Variable{1, "xxxx"});
}

TEST_CASE("A table of ours keeps its private area, and its first variable may be in the journal") {
  Memory memory(400);
  auto variables = sysv::Variables::of(memory.bytes(), 77);
  for (int count = 0; count < 3; ++count) variables.put(0, sysv::serialized(count));
  variables.put(1, "i:9;");
  memory.set(header::free, 3);
  CHECK(diagnosis_of(memory.bytes()).variables == List{{0, "i:2;"}, {1, "i:9;"}});
  CHECK(saved(memory) == List{{0, "i:2;"}, {1, "i:9;"}});
  CHECK(sysv::header_in(mended(memory).bytes())->generation == 77);
}

TEST_CASE("Whatever single word of a table is changed, it can be mended in several goes") {
  std::mt19937_64 random(1);
  const std::vector<std::int64_t> words = {0,
                                           1,
                                           -1,
                                           24,
                                           40,
                                           48,
                                           128,
                                           399,
                                           400,
                                           1 << 30,
                                           INT64_MIN,
                                           INT64_MAX,
                                           layout::own_magic,
                                           layout::filler_key};
  for (int round = 0; round < 20000; ++round) {
    Three table;
    for (int changes = 0; changes < 3; ++changes) {
      const std::size_t place = 8 * (random() % 50);  // two statements: one order everywhere
      table.set(place, words[random() % words.size()]);
    }
    if (diagnosis_of(table.bytes()).is_repairable) check_every_state(table);
  }
}

TEST_CASE("A header that was never finished can be finished in several goes") {
  Memory of_php(400);
  of_php.header();
  for (std::size_t word = header::start; word < header::size; word += 8) of_php.set(word, 0);
  check_every_state(of_php);
  Memory of_ours(400);
  of_ours.set(layout::own::magic, layout::own_magic);
  check_every_state(of_ours);
  CHECK(diagnosis_of(mended(of_ours).bytes()).is_sound());
}

TEST_CASE_METHOD(support::Scratch, "Killed at any instruction of mending, the next one ends it") {
  Three damaged;
  damaged.set(header::start, -1);
  damaged.set(80 + chunk::next, 0);
  damaged.set(128 + chunk::key, 1);
  damaged.set(header::end, 1 << 30);
  const sysv::Diagnosis diagnosis = diagnosis_of(damaged.bytes());
  const auto segment = sysv::Segment::create(key, damaged.bytes().size());
  const auto mend = [&] { sysv::mend(segment->bytes(), diagnosis); };
  support::Doomed doomed(
      {.rehearsal = mend,
       .body =
           [&] {
             support::mark();
             mend();
             support::mark();
           },
       .reset = [&] { std::ranges::copy(damaged.bytes(), segment->bytes().begin()); }});
  const long last = doomed.walk([](long) {});
  constexpr long stride = support::is_sanitized ? 11 : 1;  // most are ASan's own
  for (long instruction = 0; instruction <= last; instruction += stride) {
    doomed.kill_after(instruction);
    sysv::mend(segment->bytes(), diagnosis_of(segment->bytes()));
    REQUIRE(sysv::Variables(segment->bytes()).all() == List{three[0], three[1]});
  }
  CHECK(last > 20);
}
