#include "prefork/restarts.hpp"

#include <optional>
#include <vector>

#include "support/catch.hpp"

using namespace std::chrono_literals;
using prefork::Restarts;

namespace {

struct End {
  std::chrono::milliseconds at;
  std::optional<Restarts::Duration> pause;
};

struct Case {
  const char* name;
  std::vector<End> ends;
};

}  // namespace

TEST_CASE("What ends is started again ever later, five times within a minute and no sixth time") {
  const auto story =
      GENERATE(Case{"all at once",
                    {{0s, 100ms}, {0s, 300ms}, {0s, 1s}, {0s, 2s}, {0s, 5s}, {0s, {}}, {1s, {}}}},
               Case{"the sixth just within the minute",
                    {{0s, 100ms}, {1s, 300ms}, {2s, 1s}, {3s, 2s}, {4s, 5s}, {59999ms, {}}}},
               Case{"the first is a minute ago, and counts no more",
                    {{0s, 100ms}, {1s, 300ms}, {2s, 1s}, {3s, 2s}, {4s, 5s}, {60s, 5s}, {61s, 5s}}},
               Case{"each minute one", {{0s, 100ms}, {60s, 100ms}, {120s, 100ms}}});
  CAPTURE(story.name);
  Restarts restarts;
  for (const End& end : story.ends) {
    CAPTURE(end.at.count());
    CHECK(restarts.ended(Restarts::Time{} + end.at) == end.pause);
  }
}
