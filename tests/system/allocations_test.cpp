#include <string>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/records.hpp"
#include "support/scratch.hpp"

namespace {

// visitsd with one worker, and a connection to it that a web server keeps.
struct Pool : support::Scratch {
  support::Folder folder;
  std::string socket = folder / "visits.sock";
  support::Program program{{SLOW_VISITSD, "-F", "-d", "listen=" + socket, "-d",
                            "visits.key=" + sysv::text_of(key), "-d", "pm.max_children=1"},
                           folder / "log"};
  os::Descriptor connection;

  Pool() {
    REQUIRE(support::eventually([&] { return bool(connection = support::connection_to(socket)); }));
  }

  std::string ask(const std::string& target) const {
    support::send(connection.get(), support::get_request(target));
    const std::string answer = support::answer_on(connection.get()).value_or("\r\n\r\nno answer");
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }
};

}  // namespace

TEST_CASE_METHOD(Pool, "A worker allocates no memory for a visit") {
  for (int i = 0; i < 10; ++i) ask("/");  // it opens what it counts in, and makes room for answers
  ask("/allocations");
  const std::string before = ask("/allocations");
  for (int i = 0; i < 200; ++i) ask("/a/page/with/a/name?and=a&query=too");
  CHECK(ask("/") == "211 visits so far");
  CHECK(ask("/allocations") == before);
}
