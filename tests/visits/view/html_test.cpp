#include "visits/view/html.hpp"

#include "support/catch.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

TEST_CASE("The status page as HTML is php-fpm's") {
  const std::string page = html(support::pool_example(), Detail::pool);
  CHECK(page.starts_with("<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\""));
  CHECK_THAT(page, support::contains("<body>\n<table>\n<tr><th>pool</th><td>www</td></tr>\n"));
  CHECK(page.ends_with("<tr><th>slow requests</th><td>6</td></tr>\n</table>\n</body></html>"));
}

TEST_CASE("The full status page as HTML has a table of workers, with their requests escaped") {
  const std::string page = html(support::pool_example(), Detail::full);
  CHECK_THAT(page, support::contains("</table>\n<table border=\"1\">\n<tr><th>pid</th>"
                                     "<th>state</th><th>start time</th>"));
  CHECK_THAT(page, support::contains("<td>/a?b=1&amp;c=&quot;&lt;&gt;\\</td>"));
  CHECK(page.ends_with("<td>0.00</td><td>0</td></tr>\n</table></body></html>"));
}
