#include <unistd.h>

#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"
#include "sysv/semaphore.hpp"

using support::Nginx;
using support::PhpFpm;
using support::Pool;

namespace {

// The tutorial's page in a real php-fpm, beside a pool of ours, on one key: /php asks the page,
// /both asks it and the pool in turn.
struct Both : support::Scratch {
  support::Folder folder;
  std::string page = folder.write("index.php", support::tutorial_page(key));
  PhpFpm fpm{folder, 4};
  Pool pool{folder, key, 2};
  Nginx nginx{folder,
              "  upstream both { server unix:" + folder / "visits.sock" +
                  "; server unix:" + folder / "php.sock" + "; }\n",
              "    location /php { fastcgi_pass unix:" + folder / "php.sock" + "; " +
                  PhpFpm::params(page) + "}\n    location /both { fastcgi_pass both; " +
                  PhpFpm::params(page) + "}\n"};

  std::string count_in_php() const {
    return support::php("echo shm_get_var(shm_attach(" + std::to_string(scratch.number()) +
                        "), 0);");
  }
};

}  // namespace

TEST_CASE_METHOD(Both, "A page of PHP's and the pool take turns on one number") {
  CHECK(support::get(nginx.url("/php")).body == "1 visits so far");
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  CHECK(support::get(nginx.url("/php")).body == "3 visits so far");
  CHECK(support::get(nginx.url()).body == "4 visits so far");
}

TEST_CASE_METHOD(Both, "5000 requests to PHP and 5000 to the pool, in turn, count exactly 10000") {
  const support::Load load = support::ab({"-n10000", "-c10"}, nginx.url("/both"));
  CHECK(load.complete == 10000);
  CHECK(load.failed + load.non_2xx == 0);
  CHECK(support::count_at(key) == 10000);
  CHECK(count_in_php() == "10000");
}

TEST_CASE_METHOD(Both, "While PHP holds the lock a visit waits, and is counted after") {
  const std::string held = folder / "held";
  support::Program holder(
      {"php", "-r",
       "$s = sem_get(" + std::to_string(scratch.number()) +
           "); sem_acquire($s); echo 'held'; while (!file_exists('" + folder / "go" +
           "')) { usleep(1000); clearstatcache(); } sem_release($s);"},
      held);
  REQUIRE(support::eventually([&] { return holder.log() == "held"; }));
  support::Answer answer;
  std::thread visitor([&] { answer = support::get(nginx.url()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(answer.status == 0);
  folder.write("go", "");
  visitor.join();
  CHECK(answer.body == "1 visits so far");
}

TEST_CASE_METHOD(Both, "While we hold the lock PHP's page waits, and is counted after") {
  sysv::Semaphore ours(key);
  REQUIRE(ours.try_acquire());
  support::Answer answer;
  std::thread visitor([&] { answer = support::get(nginx.url("/php")); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(answer.status == 0);
  ours.release();
  visitor.join();
  CHECK(answer.body == "1 visits so far");
}

TEST_CASE_METHOD(Both, "A count that PHP began goes on in the pool, in PHP's own segment") {
  for (int i = 0; i < 20; ++i) support::get(nginx.url("/php"));
  CHECK(support::get(nginx.url()).body == "21 visits so far");
  CHECK(support::get(nginx.url("/php")).body == "22 visits so far");
}
