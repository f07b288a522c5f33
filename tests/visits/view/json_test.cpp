#include "visits/view/json.hpp"

#include "support/catch.hpp"
#include "support/pool_example.hpp"

using namespace visits::view;

TEST_CASE("The status page as JSON is php-fpm's, byte for byte") {
  const std::string pool =
      R"({"pool":"www","process manager":"dynamic","start time":1795501547,"start since":60,)"
      R"("accepted conn":8,"listen queue":3,"max listen queue":9,"listen queue len":128,)"
      R"("idle processes":1,"active processes":1,"total processes":2,"max active processes":2,)"
      R"("max children reached":4,"slow requests":6)";
  CHECK(json(support::pool_example(), Detail::pool) == pool + "}");
  CHECK(json(support::pool_example(), Detail::full) ==
        pool +
            R"(, "processes":[{"pid":101,"state":"Idle","start time":1795501547,"start since":60,)"
            R"("requests":7,"request duration":128,"request method":"GET",)"
            R"("request uri":"\/a?b=1&c=\"<>\\","content length":0,"user":"-","script":"-",)"
            R"("last request cpu":99.13,"last request memory":0},{"pid":102,"state":"Running",)"
            R"("start time":1795501557,"start since":50,"requests":0,"request duration":2000000,)"
            R"("request method":"POST","request uri":"\/post","content length":12,"user":"anna",)"
            R"("script":"\/srv\/x.php","last request cpu":0.00,"last request memory":0}]})");
}

TEST_CASE("A pool without workers has an empty list of them") {
  CHECK(json({}, Detail::full).ends_with(", \"processes\":[]}"));
}
