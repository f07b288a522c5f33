#include "visits/view/fields.hpp"

#include <cstdlib>
#include <span>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

namespace {

std::string value_of(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return field.value;
  }
  return "no such field";
}

}  // namespace

TEST_CASE("The sizes of a pool have php-fpm's words") {
  CHECK(word_for(prefork::Sizing::fixed) == "static");
  CHECK(word_for(prefork::Sizing::dynamic) == "dynamic");
  CHECK(word_for(prefork::Sizing::ondemand) == "ondemand");
}

TEST_CASE("Idle and active workers are all workers, those that are starting among them") {
  Snapshot snapshot = support::pool_example();
  snapshot.processes.push_back({.pid = 103, .state = Process::State::starting});
  const auto fields = fields_of(snapshot, Times::seconds);
  CHECK(value_of(fields, "idle processes") == "2");
  CHECK(value_of(fields, "active processes") == "1");
  CHECK(value_of(fields, "total processes") == "3");
  CHECK(value_of(fields_of(snapshot.processes[2], snapshot, Times::seconds), "state") == "Idle");
}

TEST_CASE("A queue that the kernel does not tell is shown as none") {
  Snapshot snapshot = support::pool_example();
  CHECK(value_of(fields_of(snapshot, Times::seconds), "listen queue") == "3");
  snapshot.queue.reset();
  CHECK(value_of(fields_of(snapshot, Times::seconds), "listen queue") == "0");
  CHECK(value_of(fields_of(snapshot, Times::seconds), "listen queue len") == "0");
}

TEST_CASE("A time is written for people in the machine's zone, or in seconds since 1970") {
  CHECK(value_of(fields_of(support::pool_example(), Times::seconds), "start time") == "1795501547");
  CHECK(support::in_child([] {
          setenv("TZ", "CET-1", 1);
          tzset();
          const auto fields = fields_of(support::pool_example(), Times::dates);
          return value_of(fields, "start time") == "24/Nov/2026:07:25:47 +0100" ? 0 : 1;
        }) == 0);
}
