#include "sysv/variables.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"
#include "sysv/segment.hpp"
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
