#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"
#include "sysv/owner.hpp"
#include "sysv/queue.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"

using support::Nginx;
using support::Pool;
using support::status_of;

namespace {

constexpr const char* nobody = "65534 65534 65534 65534";
constexpr const char* no_capability = "0000000000000000";

struct Site : support::Scratch {
  support::Folder folder;
  std::string events = "visits.events=" + sysv::text_of(key);
};

bool is_confined(pid_t worker) {
  return support::eventually([&] { return status_of(worker, "Seccomp") == "2"; });
}

void remove_segment(sysv::Key key) {
  const int id = shmget(static_cast<key_t>(key), 0, 0);
  REQUIRE(id != -1);
  REQUIRE(shmctl(id, IPC_RMID, nullptr) == 0);
}

// From now on the kernel refuses this process, and what it starts, every new filter.
bool forbid_filters() {
  void* const filter = seccomp_init(SCMP_ACT_ALLOW);
  const scmp_arg_cmp set{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP, .datum_b = 0};
  return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0, nullptr) ==
             0 &&
         seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &set) == 0 &&
         seccomp_load(filter) == 0;
}

}  // namespace

TEST_CASE_METHOD(Site, "Under a root master workers have a user of their own, and no power") {
  if (support::lacks_root()) return;  // only root can become somebody else
  Pool pool(folder, key, 2, {"user=nobody"});
  for (const pid_t worker : pool.workers()) {
    CHECK(is_confined(worker));
    CHECK(status_of(worker, "Uid") == nobody);
    CHECK(status_of(worker, "Gid") == nobody);
    CHECK(status_of(worker, "Groups").empty());
    CHECK(status_of(worker, "NoNewPrivs") == "1");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      CHECK(status_of(worker, set) == no_capability);
    }
  }
  CHECK(status_of(pool.master().pid(), "Uid") == "0 0 0 0");
  CHECK(status_of(pool.master().pid(), "Seccomp") == "0");
}

TEST_CASE_METHOD(Site, "Whoever starts the pool, its workers are in the sandbox") {
  const Pool pool(folder, key, 2);
  for (const pid_t worker : pool.workers()) {
    CHECK(is_confined(worker));
    CHECK(status_of(worker, "NoNewPrivs") == "1");
  }
}

TEST_CASE_METHOD(Site, "visits.seccomp = no leaves the sandbox away, and nothing else") {
  const Pool pool(folder, key, 1, {"visits.seccomp=no"});
  const pid_t worker = pool.workers().front();
  CHECK(support::eventually([&] { return status_of(worker, "NoNewPrivs") == "1"; }));
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url()).status == 200);
  CHECK(status_of(worker, "Seccomp") == "0");
}

TEST_CASE_METHOD(
    Site, "Workers are batch processes unless process.batch = no; master and status are not") {
  const auto are = [](const std::vector<pid_t>& processes, int policy) {
    return support::eventually([&] {
      return std::all_of(processes.begin(), processes.end(),
                         [policy](pid_t pid) { return sched_getscheduler(pid) == policy; });
    });
  };
  const int usual = sched_getscheduler(0);
  {
    Pool pool(folder, key, 2);
    CHECK(are(pool.workers(), usual == SCHED_OTHER ? SCHED_BATCH : usual));
    CHECK(sched_getscheduler(pool.master().pid()) == usual);
    for (const pid_t child : support::children_of(pool.master().pid())) {
      const auto workers = pool.workers();
      if (std::count(workers.begin(), workers.end(), child) == 0) CHECK(are({child}, usual));
    }
  }
  Pool pool(folder, key, 2, {"process.batch=no"});
  CHECK(are(pool.workers(), usual));
}

TEST_CASE_METHOD(Site, "Confined workers count, send events, mend what is removed, and stop") {
  if (support::lacks_root()) return;  // only root can become somebody else
  Pool pool(folder, key, 3, {"user=nobody", events});
  const Nginx nginx(folder);
  const support::Load load = support::ab({"-k", "-n50", "-c10"}, nginx.url());
  CHECK(load.complete == 50);
  CHECK(load.non_2xx == 0);
  CHECK(support::get(nginx.url()).body == "51 visits so far");
  CHECK(sysv::Queue::open(key)->status().messages == 51);

  remove_segment(key);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
  sysv::Semaphore::remove(key);
  sysv::Queue::open(key)->remove();
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  CHECK(sysv::Queue::open(key)->status().messages == 1);
  CHECK(sysv::owner_of_segment(key)->user == 65534);
  CHECK(sysv::owner_of_set(key)->user == 65534);
  CHECK_THAT(pool.log(), support::contains("the segment was removed"));

  pool.master().signal(SIGTERM);
  CHECK(pool.master().wait() == 0);
}

TEST_CASE_METHOD(Site, "A confined worker that is killed is replaced by one like it") {
  if (support::lacks_root()) return;  // only root can become somebody else
  Pool pool(folder, key, 2, {"user=nobody"});
  const Nginx nginx(folder);
  const pid_t victim = pool.workers().front();
  kill(victim, SIGKILL);
  REQUIRE(support::eventually([&] {
    const auto workers = pool.workers();
    return workers.size() == 2 && workers.front() != victim && workers.back() != victim;
  }));
  for (const pid_t worker : pool.workers()) {
    CHECK(is_confined(worker));
    CHECK(status_of(worker, "Uid") == nobody);
  }
  CHECK(support::ab({"-n100", "-c4"}, nginx.url()).non_2xx == 0);
  CHECK(support::count_at(key) == 100);
}

TEST_CASE_METHOD(Site, "When a root master is killed its confined workers die, too") {
  if (support::lacks_root()) return;  // only root can become somebody else
  Pool pool(folder, key, 3, {"user=nobody"});
  const auto workers = pool.workers();
  for (const pid_t worker : workers) REQUIRE(is_confined(worker));
  pool.master().signal(SIGKILL);
  pool.master().wait();
  for (const pid_t worker : workers) {
    CHECK(support::eventually([&] { return kill(worker, 0) == -1; }));
  }
}

TEST_CASE_METHOD(Site, "Objects that the workers' user may not use are refused at the start") {
  if (support::lacks_root()) return;  // only root can become somebody else
  const auto segment = sysv::Segment::create(key, 4096);
  const support::Result result =
      support::run({VISITSD, "-F", "-d", "listen=" + folder / "visits.sock", "-d", "user=nobody",
                    "-d", "visits.key=" + sysv::text_of(key)});
  CHECK(result.code == 78);
  CHECK_THAT(result.text, support::contains("segment of key " + sysv::text_of(key) +
                                            " belongs to root, mode 0600, workers are user 65534"));
  CHECK(access((folder / "visits.sock").c_str(), F_OK) == -1);
}

TEST_CASE_METHOD(Site, "A user that does not exist is refused at the start") {
  const support::Result result =
      support::run({VISITSD, "-F", "-d", "listen=" + folder / "visits.sock", "-d",
                    "user=no-such-user", "-d", "visits.key=" + sysv::text_of(key)});
  CHECK(result.code == 78);
  CHECK_THAT(result.text, support::contains("no user is called no-such-user"));
}

TEST_CASE_METHOD(Site, "Where the kernel has no filters the pool warns once and serves") {
  CHECK(support::in_child([&] {
          if (!forbid_filters()) return 1;
          const Pool pool(folder, key, 3);
          const Nginx nginx(folder);
          if (support::get(nginx.url()).status != 200) return 2;
          const std::string log = pool.log();
          const auto warning = log.find("workers go without a sandbox");
          if (warning == std::string::npos) return 3;
          return log.find("workers go without a sandbox", warning + 1) == std::string::npos ? 0 : 4;
        }) == 0);
}
