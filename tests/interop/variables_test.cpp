#include "sysv/variables.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "interop/values.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"
#include "sysv/segment.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"
#include "visits/counter.hpp"

using support::php;
using support::Scratch;
using sysv::Segment;
using sysv::Variables;

namespace {

struct WithPhp : Scratch {
  // Runs PHP code in which $id is the attached segment.
  std::string in_php(const std::string& code) const {
    return php("$id = shm_attach(" + std::to_string(static_cast<int>(key)) + "); " + code);
  }
  visits::Counter counter() const {
    return {{.key = key}, [](const std::string&) {}};
  }
};

}  // namespace

TEST_CASE_METHOD(WithPhp, "PHP reads our count and goes on from it, and so do we from PHP's") {
  visits::Counter ours = counter();
  ours.add_visit();
  const std::string add = "shm_put_var($id, 0, shm_get_var($id, 0) + 1); echo shm_get_var($id, 0);";
  for (std::int64_t count = 2; count < 24; count += 2) {
    CHECK(in_php(add) == std::to_string(count));
    CHECK(ours.add_visit() == count + 1);
  }
}

TEST_CASE_METHOD(WithPhp, "PHP's own variables in our segment stay as PHP put them") {
  visits::Counter ours = counter();
  ours.add_visit();
  in_php("shm_put_var($id, 7, ['a' => 1.5]); shm_put_var($id, -8, 'text');");
  for (int i = 0; i < 120; ++i) ours.add_visit();
  CHECK(in_php("echo json_encode([shm_get_var($id, 0), shm_get_var($id, 7), "
               "shm_get_var($id, -8)]);") == R"([121,{"a":1.5},"text"])");
}

TEST_CASE_METHOD(WithPhp, "A segment that PHP made is adopted with all its variables") {
  in_php("shm_put_var($id, 0, 41); shm_put_var($id, 1, 'one'); shm_put_var($id, 2, [2]);");
  visits::Counter ours = counter();
  CHECK(ours.add_visit() == 42);
  CHECK(Segment::open(key)->bytes().size() == 10000);
  for (int count = 43; count < 150; ++count) CHECK(ours.add_visit() == count);
  CHECK(in_php("echo json_encode([shm_get_var($id, 0), shm_get_var($id, 1), "
               "shm_get_var($id, 2)]);") == R"([149,"one",[2]])");
}

TEST_CASE_METHOD(WithPhp, "A segment that PHP has nearly filled is counted in, in turn with PHP") {
  in_php("shm_put_var($id, 0, 41); shm_put_var($id, 1, str_repeat('x', 9000));");
  visits::Counter ours = counter();
  for (std::int64_t count = 42; count < 60; count += 3) {
    CHECK(ours.add_visit() == count);
    CHECK(ours.add_visit() == count + 1);
    CHECK(in_php("shm_put_var($id, 0, shm_get_var($id, 0) + 1); echo shm_get_var($id, 0);") ==
          std::to_string(count + 2));
  }
  CHECK(in_php("echo strlen(shm_get_var($id, 1));") == "9000");
}

TEST_CASE_METHOD(WithPhp, "In turns with PHP the count stays last") {
  const bool ours_made = GENERATE(false, true);
  visits::Counter ours = counter();
  if (ours_made) (void)ours.count();
  in_php("for ($k = 1; $k <= 100; ++$k) shm_put_var($id, $k, [$k]); shm_put_var($id, 0, 41);");
  const std::size_t free = Variables(Segment::open(key)->bytes()).free_bytes();
  for (std::int64_t count = 42; count < 60; count += 2) {
    CHECK(ours.add_visit() == count);
    const auto segment = Segment::open(key);
    const Variables variables(segment->bytes());
    CHECK(variables.all().back().key == 0);
    CHECK(variables.free_bytes() >= free - 40);
    CHECK(in_php("shm_put_var($id, 0, shm_get_var($id, 0) + 1); echo shm_get_var($id, 0);") ==
          std::to_string(count + 1));
  }
}

// What PHP makes of each state that a visit leaves is in kill_test.cpp.
TEST_CASE_METHOD(WithPhp, "A count behind many variables that only we put comes forward") {
  const bool ours_made = GENERATE(false, true);
  visits::Counter ours = counter();
  if (ours_made) (void)ours.count();
  in_php("for ($k = 1; $k <= 100; ++$k) shm_put_var($id, $k, [$k]); shm_put_var($id, 0, 41);");
  for (std::int64_t count = 42; count < 54; count += 4) {
    for (std::int64_t visit = count; visit < count + 3; ++visit) CHECK(ours.add_visit() == visit);
    CHECK(Variables(Segment::open(key)->bytes()).all().front().key == 0);
    CHECK(in_php("shm_put_var($id, 0, shm_get_var($id, 0) + 1); echo shm_get_var($id, 0);") ==
          std::to_string(count + 3));
  }
  CHECK(ours.add_visit() == 54);
  const std::string all =
      "for ($k = 1; $k <= 100; ++$k) if (shm_get_var($id, $k) !== [$k]) echo $k, ' ';";
  CHECK(in_php(all +
               "for ($k = 1; $k <= 100; ++$k) { shm_remove_var($id, $k); "
               "if (shm_has_var($id, $k)) echo $k, ' stays '; shm_put_var($id, $k, [$k]); }" +
               all + "echo shm_get_var($id, 0);") == "54");
  CHECK(ours.add_visit() == 55);
  CHECK(in_php("shm_remove_var($id, 0); var_dump(shm_has_var($id, 0));" + all) == "bool(false)\n");
  CHECK(ours.add_visit() == 1);
}

TEST_CASE_METHOD(WithPhp, "An empty segment that PHP made is counted in") {
  in_php("");
  CHECK(counter().add_visit() == 1);
  CHECK(in_php("echo shm_get_var($id, 0);") == "1");
}

TEST_CASE_METHOD(WithPhp, "PHP removes a count of ours, and the next visit is number one") {
  visits::Counter ours = counter();
  for (int i = 0; i < 5; ++i) ours.add_visit();
  in_php("shm_put_var($id, 9, 'nine'); shm_remove_var($id, 0);");
  CHECK(ours.add_visit() == 1);
  CHECK(in_php("echo shm_get_var($id, 9);") == "nine");
}

TEST_CASE_METHOD(WithPhp, "A segment that PHP removed is noticed, and PHP finds the new one") {
  visits::Counter ours = counter();
  ours.add_visit();
  ours.add_visit();
  in_php("shm_remove($id);");
  CHECK(ours.add_visit() == 1);
  CHECK(in_php("echo shm_get_var($id, 0);") == "1");
}

TEST_CASE_METHOD(WithPhp, "PHP's text of an integer is ours, and ours PHP's") {
  in_php("shm_put_var($id, 1, PHP_INT_MIN); shm_put_var($id, 2, -1);");
  auto segment = Segment::open(key);
  Variables variables(segment->bytes());
  CHECK(variables.get(1) == "i:-9223372036854775808;");
  variables.put(3, "i:9223372036854775807;");
  CHECK(in_php("var_dump(shm_get_var($id, 3) === PHP_INT_MAX);") == "bool(true)\n");
}

TEST_CASE_METHOD(WithPhp, "A value of every type that PHP puts we read, and PHP reads ours back") {
  in_php(interop::values_of_every_type + "foreach ($values as $i => $v) shm_put_var($id, $i, $v);");
  auto segment = Segment::open(key);
  Variables variables(segment->bytes());
  for (std::int64_t i = 0; i < interop::number_of_types; ++i) {
    CAPTURE(i);
    const auto value = sysv::unserialize(variables.get(i).value());
    REQUIRE(value.has_value());
    variables.put(100 + i, sysv::serialize(*value));
  }
  CHECK_FALSE(variables.has(interop::number_of_types));
  CHECK(in_php(interop::values_of_every_type +
               "foreach ($values as $i => $v) if (!shm_has_var($id, 100 + $i) || "
               "serialize(shm_get_var($id, 100 + $i)) !== serialize($v)) echo $i, ' differs ';")
            .empty());
}

TEST_CASE_METHOD(WithPhp, "A variable is there for PHP when it is for us, a false one too") {
  const auto segment = Segment::create(key, 4096);
  Variables variables = Variables::of(segment->bytes(), 1);
  variables.put(1, "b:0;");
  CHECK(in_php("var_dump(shm_has_var($id, 1), shm_get_var($id, 1), shm_has_var($id, 2));") ==
        "bool(true)\nbool(false)\nbool(false)\n");
  in_php("shm_put_var($id, 2, false);");
  CHECK(Variables(segment->bytes()).has(2));
  CHECK(Variables(segment->bytes()).get(2) == "b:0;");
  CHECK_FALSE(Variables(segment->bytes()).has(3));
}

TEST_CASE_METHOD(WithPhp, "What PHP removes is gone for us, what we remove for PHP, others stay") {
  in_php("foreach ([1, 2, 3, 4] as $v) shm_put_var($id, $v, \"v$v\");");
  const auto segment = Segment::open(key);
  CHECK(Variables(segment->bytes()).remove(2));
  CHECK(in_php("var_dump(shm_has_var($id, 2), shm_remove_var($id, 3));") ==
        "bool(false)\nbool(true)\n");
  CHECK_FALSE(Variables(segment->bytes()).remove(3));
  CHECK(in_php("echo shm_get_var($id, 1), shm_get_var($id, 4);") == "v1v4");
  CHECK(Variables(segment->bytes()).all() ==
        std::vector<sysv::Variable>{{1, "s:2:\"v1\";"}, {4, "s:2:\"v4\";"}});
}

TEST_CASE_METHOD(WithPhp, "PHP that lets go of a segment leaves it to us, and we leave it to PHP") {
  CHECK(in_php("shm_put_var($id, 1, 'one'); var_dump(shm_detach($id));") == "bool(true)\n");
  {
    const auto segment = Segment::open(key);
    CHECK(Variables(segment->bytes()).get(1) == "s:3:\"one\";");
  }
  CHECK(in_php("echo shm_get_var($id, 1);") == "one");
}

TEST_CASE_METHOD(WithPhp,
                 "A segment that either removes stays usable to who has it, and no other") {
  in_php("shm_put_var($id, 1, 'old');");
  auto first = Segment::open(key);
  CHECK(in_php("echo shm_get_var($id, 1); shm_remove($id); echo shm_get_var($id, 1);") == "oldold");
  CHECK(Variables(first->bytes()).get(1) == "s:3:\"old\";");
  CHECK_FALSE(first->is_current());
  CHECK_FALSE(Segment::open(key).has_value());
  CHECK(in_php("echo json_encode(shm_has_var($id, 1));") == "false");
  Segment::open(key)->remove();
  CHECK_FALSE(Segment::open(key).has_value());
}

// The three things that PHP does wrong (its shm_attach, shm_put_var and shm_get_var), and what is
// done here.

TEST_CASE_METHOD(WithPhp, "PHP writes over another program's segment, and we refuse it") {
  const auto segment = Segment::create(key, 4096);
  std::ranges::fill(segment->bytes(), std::byte{0x55});
  CHECK_THROWS_AS(Variables::of(segment->bytes(), 1), sysv::Damaged);
  CHECK(segment->bytes()[0] == std::byte{0x55});
  in_php("");
  CHECK(segment->bytes()[0] == std::byte{'P'});
}

TEST_CASE_METHOD(WithPhp, "A put without room loses the old value in PHP, and keeps it here") {
  const std::string small = "$id = shm_attach(" + std::to_string(scratch.number()) + ", 120); ";
  php(small + "shm_put_var($id, 1, 'old');");
  auto segment = Segment::open(key);
  CHECK_THROWS_AS(Variables(segment->bytes()).put(1, "s:100:\"" + std::string(100, 'x') + "\";"),
                  sysv::NoRoom);
  CHECK(in_php("echo shm_get_var($id, 1);") == "old");
  CHECK(in_php("var_dump(@shm_put_var($id, 1, str_repeat('x', 100)), shm_has_var($id, 1));") ==
        "bool(false)\nbool(false)\n");
}

TEST_CASE_METHOD(WithPhp, "A value that PHP calls corrupted and hides, we have the bytes of") {
  const auto segment = Segment::create(key, 4096);
  Variables::of(segment->bytes(), 1).put(1, "x:broken");
  CHECK(in_php("var_dump(@shm_get_var($id, 1));") == "bool(false)\n");
  CHECK(Variables(segment->bytes()).get(1) == "x:broken");
}
