#include "visits/view/openmetrics.hpp"

#include "support/catch.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

TEST_CASE("The status page for ?openmetrics is php-fpm's, with its faults") {
  const std::string page = openmetrics(support::pool_example());
  CHECK(
      page.starts_with("# HELP phpfpm_up Could pool www using a dynamic PM on PHP-FPM be reached?\n"
                       "# TYPE phpfpm_up gauge\nphpfpm_up 1\n"));
  CHECK_THAT(page, support::contains(
                       "\n# TYPE phpfpm_listen_queue_length gauge\n"
                       "# HELP phpfpm_listen_queue_length The size of the socket queue of pending "
                       "connections.\nphpfpm_listen_queue_length 128\n"));
  CHECK_THAT(page, support::contains("\nphpfpm_accepted_connections 8\n"));
  CHECK(page.ends_with("\nphpfpm_slow_requests 6\n# EOF\n"));
}
