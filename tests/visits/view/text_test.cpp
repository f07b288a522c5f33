#include "visits/view/text.hpp"

#include "support/catch.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

TEST_CASE("The status page as text is php-fpm's") {
  const std::string page = text(support::pool_example(), Detail::pool);
  CHECK_THAT(page, support::contains("pool:                 www\n"
                                     "process manager:      dynamic\n"
                                     "start time:           24/Nov/2026:"));
  CHECK_THAT(page, support::contains("start since:          60\n"
                                     "accepted conn:        8\n"
                                     "listen queue:         3\n"
                                     "max listen queue:     9\n"
                                     "listen queue len:     128\n"
                                     "idle processes:       1\n"
                                     "active processes:     1\n"
                                     "total processes:      2\n"
                                     "max active processes: 2\n"
                                     "max children reached: 4\n"
                                     "slow requests:        6\n"));
  CHECK(page.ends_with("slow requests:        6\n"));
}

TEST_CASE("The full status page as text has each worker after a line of stars") {
  const std::string page = text(support::pool_example(), Detail::full);
  CHECK_THAT(page, support::contains("\n************************\n"
                                     "pid:                  101\n"
                                     "state:                Idle\n"));
  CHECK_THAT(page, support::contains("start since:          50\n"
                                     "requests:             0\n"
                                     "request duration:     2000000\n"
                                     "request method:       POST\n"
                                     "request URI:          /post\n"
                                     "content length:       12\n"
                                     "user:                 anna\n"
                                     "script:               /srv/x.php\n"
                                     "last request cpu:     0.00\n"
                                     "last request memory:  0\n"));
}
