#include "visits/view/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/pool_example.hpp"
#include "support/program.hpp"
#include "visits/view/openmetrics.hpp"

using namespace visits::view;

namespace {

// What Prometheus's own parser, a strict one, makes of a page: a line for each sample.
support::Result parsed(const std::string& page) {
  const support::Folder folder;
  const std::string program = folder.write("parse.py", R"(
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8", newline="").read()):
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        print(f"{family.name} {family.type} {family.unit or '-'} {sample.name} {labels} {float(sample.value)}")
)");
  return support::run({"/usr/bin/python3", program, folder.write("page", page)});
}

}  // namespace

TEST_CASE("The metrics are OpenMetrics, for a strict parser, of every type in use") {
  const support::Result samples = parsed(Metrics("1.2.3").page(support::pool_example()));
  INFO(samples.text);
  REQUIRE(samples.code == 0);
  for (const char* sample : {
           "visits_counted counter - visits_counted_total pool=www 69.0",
           "visits_requests counter - visits_requests_total code=200,pool=www 70.0",
           "visits_requests counter - visits_requests_total code=other,pool=www 5.0",
           "visits_service_seconds histogram seconds visits_service_seconds_bucket "
           "le=5e-05,pool=www 60.0",
           "visits_service_seconds histogram seconds visits_service_seconds_bucket "
           "le=1.0,pool=www 69.0",
           "visits_service_seconds histogram seconds visits_service_seconds_bucket "
           "le=+Inf,pool=www 70.0",
           "visits_service_seconds histogram seconds visits_service_seconds_count pool=www 70.0",
           "visits_service_seconds histogram seconds visits_service_seconds_sum pool=www "
           "12.000000001",
           "visits_wait_seconds histogram seconds visits_wait_seconds_count pool=www 0.0",
           "visits_queue_length gauge - visits_queue_length pool=www 3.0",
           "visits_queue_capacity gauge - visits_queue_capacity pool=www 128.0",
           "visits_workers gauge - visits_workers pool=www,state=busy 1.0",
           "visits_workers_limit gauge - visits_workers_limit pool=www 5.0",
           "visits_worker_ends counter - visits_worker_ends_total cause=crashed,pool=www 2.0",
           "visits_reloads counter - visits_reloads_total pool=www,result=refused 11.0",
           "visits_requests_terminated counter - visits_requests_terminated_total pool=www 1.0",
           "visits_uptime_seconds gauge seconds visits_uptime_seconds pool=www 60.0",
           "visits_build info - visits_build_info pool=www,version=1.2.3 1.0",
       }) {
    CHECK_THAT(samples.text, support::contains(std::string(sample) + "\n"));
  }
}

TEST_CASE("The parser that judges the metrics is strict") {
  const std::string page = Metrics("1.2.3").page(support::pool_example());
  CHECK(parsed(page.substr(0, page.size() - 6)).code != 0);       // without # EOF
  CHECK(parsed(openmetrics(support::pool_example())).code != 0);  // php-fpm's counters
}

TEST_CASE("A page is the same whatever the pages before it were") {
  Snapshot other = support::pool_example();
  other.pool = "another";
  other.queue.reset();
  other.spawned = 1'234'567'890'123;
  other.totals.service = {};
  Metrics metrics("1");
  for (const Snapshot& snapshot : {support::pool_example(), other, support::pool_example()}) {
    CHECK(metrics.page(snapshot) == Metrics("1").page(snapshot));
  }
}

TEST_CASE("A queue that comes and goes changes its own samples alone") {
  Snapshot snapshot = support::pool_example();
  snapshot.queue.reset();
  Metrics metrics("1");
  const auto parts = [&](const std::string& page) {
    const auto begin = page.find("# TYPE visits_queue_length gauge\n");
    const auto end = page.find("# TYPE visits_queue_length_max gauge\n");
    return std::pair(page.substr(0, std::min(begin, end)), page.substr(end));
  };
  const std::string without = metrics.page(snapshot);
  const std::string with = metrics.page(support::pool_example());
  CHECK(with.size() > without.size());
  CHECK(parts(with) == parts(without));
}

TEST_CASE("Seconds are told to the nanosecond, however many they are") {
  struct Case {
    std::chrono::nanoseconds sum;
    const char* text;
  };
  Snapshot snapshot = support::pool_example();
  Metrics metrics("1");
  for (const auto& [sum, text] : {Case{std::chrono::nanoseconds(0), "0.000000000"},
                                  Case{std::chrono::nanoseconds(1), "0.000000001"},
                                  Case{std::chrono::nanoseconds(999'999'999), "0.999999999"},
                                  Case{std::chrono::nanoseconds(1'000'000'000), "1.000000000"},
                                  Case{std::chrono::nanoseconds::max(), "9223372036.854775807"}}) {
    snapshot.totals.service.sum = sum;
    CHECK_THAT(metrics.page(snapshot), support::contains(std::string(" ") + text + "\n"));
  }
}

TEST_CASE("A name that could end a label does not") {
  Snapshot snapshot = support::pool_example();
  snapshot.pool = "a\"b\\c} 5";
  const support::Result samples = parsed(Metrics("1").page(snapshot));
  REQUIRE(samples.code == 0);
  CHECK_THAT(samples.text, support::contains("visits_counted_total pool=a\"b\\c} 5 69.0\n"));
}

TEST_CASE("A queue that the kernel does not tell is no sample, rather than a wrong one") {
  Snapshot snapshot = support::pool_example();
  snapshot.queue.reset();
  const std::string page = Metrics("1").page(snapshot);
  CHECK_THAT(page, !support::contains("queue_capacity"));
  CHECK(parsed(page).code == 0);
}
