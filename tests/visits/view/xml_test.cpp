#include "visits/view/xml.hpp"

#include "support/catch.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

TEST_CASE("The status page as XML is php-fpm's") {
  const std::string page = xml(support::pool_example(), Detail::pool);
  CHECK(page.starts_with(
      "<?xml version=\"1.0\" ?>\n<status>\n<pool>www</pool>\n"
      "<process-manager>dynamic</process-manager>\n<start-time>1795501547</start-time>\n"));
  CHECK(page.ends_with("\n<slow-requests>6</slow-requests>\n</status>"));
}

TEST_CASE("The full status page as XML has each worker in an element, with its request escaped") {
  const std::string page = xml(support::pool_example(), Detail::full);
  CHECK_THAT(page, support::contains("</slow-requests>\n<processes>\n<process><pid>101</pid>"));
  CHECK_THAT(page, support::contains("<request-uri>/a?b=1&amp;c=&quot;&lt;&gt;\\</request-uri>"));
  CHECK(
      page.ends_with("<last-request-memory>0</last-request-memory></process>\n"
                     "</processes>\n</status>"));
}
