#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"
#include "sysv/layout.hpp"
#include "sysv/segment.hpp"

using support::Nginx;
using support::Pool;
using support::run;
namespace layout = sysv::layout;

namespace {

constexpr int config = 78;
constexpr int usage = 64;

struct Site : support::Scratch {
  support::Folder folder;

  support::Result start(const support::Words& directives) const {
    support::Words words = {VISITSD, "-F", "-d", "visits.key=" + sysv::text_of(key)};
    for (const std::string& directive : directives) words.insert(words.end(), {"-d", directive});
    return run(words);
  }
};

void set(const sysv::Segment& segment, std::size_t offset, std::int64_t value) {
  std::memcpy(segment.bytes().data() + offset, &value, sizeof value);
}

std::string copy_of(const sysv::Segment& segment) {
  return {reinterpret_cast<const char*>(segment.bytes().data()), segment.bytes().size()};
}

// What a person sees: one line, for one thing that is wrong.
bool is_one_sentence(const std::string& text) {
  return text.starts_with("visitsd: ") && std::count(text.begin(), text.end(), '\n') == 1;
}

}  // namespace

TEST_CASE_METHOD(Site, "A socket path where another pool listens is refused, and it goes on") {
  const Pool pool(folder, key, 1);
  const support::ScratchKey other;  // what is refused is the socket, not the key
  const support::Result second =
      start({"listen=" + pool.socket(), "visits.key=" + sysv::text_of(other.get())});
  CHECK(second.code == config);
  CHECK(is_one_sentence(second.text));
  CHECK_THAT(second.text, support::contains("another process listens there"));
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url()).status == 200);
}

TEST_CASE_METHOD(Site, "A start that cannot succeed says why in one sentence, with exit code 78") {
  const std::string file = folder.write("file", "precious");
  for (const auto& [directive, reason] : std::vector<std::pair<std::string, std::string>>{
           {"listen=" + file, "is not a socket"},
           {"listen=/nowhere/visits.sock", "No such file or directory"},
           {"listen=" + folder / std::string(200, 'x'), "at most 107 bytes"},
           {"listen=somewhere", "not a /path"},
           {"listen.group=nobody-at-all", "no group is called nobody-at-all"},
           {"visits.key_file=" + folder / "missing", "No such file or directory"},
           {"visits.key=0", "a key is a number"},
           {"pm.max_children=0", "a whole number from 1"},
           {"pm.max_childern=4", "there is no directive pm.max_childern"}}) {
    CAPTURE(directive);
    const support::Result result = start({"listen=" + folder / "visits.sock", directive});
    CHECK(result.code == config);
    CHECK(is_one_sentence(result.text));
    CHECK_THAT(result.text, support::contains(reason));
  }
  CHECK(support::contents_of(file) == "precious");
  CHECK(access((folder / "visits.sock").c_str(), F_OK) == -1);
}

TEST_CASE_METHOD(Site, "Words that are no option are refused with exit code 64") {
  const support::Result result = run({VISITSD, "--faster"});
  CHECK(result.code == usage);
  CHECK(is_one_sentence(result.text));
}

TEST_CASE_METHOD(Site, "A key whose objects belong to somebody else is refused at the start") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const auto segment = sysv::Segment::create(key, 4096);
  const support::Result result =
      run({"setpriv", "--reuid=65534", "--clear-groups", VISITSD, "-F", "-d",
           "listen=127.0.0.1:" + std::to_string(support::free_port()), "-d",
           "visits.key=" + sysv::text_of(key)});
  CHECK(result.code == config);
  CHECK(is_one_sentence(result.text));
  CHECK_THAT(result.text, support::contains("Permission denied"));
}

TEST_CASE_METHOD(Site, "Workers' files beyond the master's own limit are refused at the start") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const std::string file = folder.write(
      "a.conf", "[global]\nrlimit_files = 50\n[www]\nrlimit_files = 100\nlisten = 127.0.0.1:" +
                    std::to_string(support::free_port()) + "\nvisits.key = " + sysv::text_of(key) +
                    "\n");
  const support::Result result =
      run({"setpriv", "--reuid=65534", "--clear-groups", VISITSD, "-F", "-y", file});
  CHECK(result.code == config);
  CHECK(is_one_sentence(result.text));
  CHECK_THAT(result.text, support::contains("rlimit_files = 100: Operation not permitted"));
}

TEST_CASE_METHOD(Site, "A foreign segment is a 503 with a reason in the log, and stays as it was") {
  const auto foreign = sysv::Segment::create(key, 4096);
  for (std::size_t i = 0; i < 4096; i += 8) set(*foreign, i, 0x0123456789abcdef);
  const std::string before = copy_of(*foreign);
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url()).status == 503);
  CHECK(support::get(nginx.url("/readyz")).status == 503);
  CHECK(copy_of(*foreign) == before);
  CHECK_THAT(pool.log(), support::contains("not counted: segment of key " + sysv::text_of(key)));
  CHECK_THAT(pool.log(), support::contains("4096 bytes) was left as it is: not a table of PHP's"));
}

// The cases that crash PHP, make it loop, or make it write where it should not.
TEST_CASE_METHOD(Site,
                 "Every hostile header or chunk is a 503 with a reason, and kills no worker") {
  Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  REQUIRE(support::get(nginx.url()).status == 200);
  const auto segment = sysv::Segment::open(key);
  const std::string sound = copy_of(*segment);
  const std::vector<pid_t> workers = pool.workers();
  std::int64_t start = 0;
  std::memcpy(&start, sound.data() + layout::header::start, sizeof start);
  const auto chunk = static_cast<std::size_t>(start);
  using Damage = std::vector<std::pair<std::size_t, std::int64_t>>;
  const std::vector<Damage> cases = {
      {{layout::header::end, 1 << 30}},
      {{layout::header::start, -(std::int64_t{1} << 40)}},
      {{layout::header::start, 0}},
      {{layout::header::start, 1 << 20}},
      {{layout::header::free, std::int64_t{1} << 40}},
      {{layout::header::free, -1}},
      {{layout::header::end, std::int64_t{1} << 40}, {layout::header::free, std::int64_t{1} << 40}},
      {{chunk + layout::chunk::length, INT64_MAX}},
      {{chunk + layout::chunk::length, -5}},
      {{chunk + layout::chunk::length, 0}},
      {{chunk + layout::chunk::next, 0}},
      {{chunk + layout::chunk::next, -40}},
      {{chunk + layout::chunk::next, std::int64_t{1} << 62}},
      {{chunk + layout::chunk::next, 60000}},
      {{chunk + layout::chunk::key, 5}, {chunk + layout::chunk::next, -8}},
      {{layout::header::magic, 0}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    for (const auto& [offset, value] : cases[i]) set(*segment, offset, value);
    const std::string damaged = copy_of(*segment);
    const std::size_t said = pool.log().size();
    CHECK(support::get(nginx.url()).status == 503);
    CHECK(support::eventually(
        [&] { return pool.log().find("was left as it is: ", said) != std::string::npos; }));
    CHECK(copy_of(*segment) == damaged);
    std::memcpy(segment->bytes().data(), sound.data(), sound.size());
  }
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  CHECK(pool.workers() == workers);
}

TEST_CASE_METHOD(Site, "A segment removed under a running pool is made anew, and said") {
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  for (int i = 0; i < 3; ++i) support::get(nginx.url());
  CHECK(run({"ipcrm", "-M", sysv::text_of(key)}).code == 0);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
  for (int visit = 2; visit < 20; ++visit) {
    CHECK(support::get(nginx.url()).body == std::to_string(visit) + " visits so far");
  }
  CHECK_THAT(pool.log(), support::contains("the segment was removed"));
}

TEST_CASE_METHOD(Site, "A semaphore set removed under a running pool is made anew, and said") {
  const Pool pool(folder, key, 2);
  const Nginx nginx(folder);
  for (int i = 0; i < 3; ++i) support::get(nginx.url());
  CHECK(run({"ipcrm", "-S", sysv::text_of(key)}).code == 0);
  for (int visit = 4; visit < 20; ++visit) {
    CHECK(support::get(nginx.url()).body == std::to_string(visit) + " visits so far");
  }
  CHECK_THAT(pool.log(), support::contains("the semaphore set was removed; made anew"));
}
