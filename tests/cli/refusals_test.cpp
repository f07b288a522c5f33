#include "cli/refusals.hpp"

#include "support/catch.hpp"

TEST_CASE("What only PHP can have is refused with a reason, whatever its index") {
  for (const char* name : {"php_value[memory_limit]", "php_admin_flag[log_errors]", "php_flag",
                           "security.limit_extensions", "request_slowlog_trace_depth",
                           "apparmor_hat", "listen.acl_users"}) {
    INFO(name);
    CHECK(cli::why_refused(name));
  }
  CHECK_FALSE(cli::why_refused("listen"));
  CHECK_FALSE(cli::why_refused("php"));
}

TEST_CASE("A slip of the pen has a nearest name") {
  CHECK(cli::nearest_name("pm.max_childern") == "pm.max_children");
  CHECK(cli::nearest_name("pm.min_spare") == "pm.min_spare_servers");
  CHECK(cli::nearest_name("lisen") == "listen");
  CHECK(cli::nearest_name("errorlog") == "error_log");
}

TEST_CASE("What is near to nothing has no nearest name") {
  CHECK_FALSE(cli::nearest_name("memory_limit"));
  CHECK_FALSE(cli::nearest_name("x"));
  CHECK_FALSE(cli::nearest_name(""));
  CHECK_FALSE(cli::nearest_name(std::string(100000, 'a')));
}
