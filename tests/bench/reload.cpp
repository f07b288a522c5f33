// How long others wait during reloads, and how long a reload takes. Prints, and tests nothing:
//     cmake --build build --target bench_reload

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

constexpr int reloads = 10;
constexpr int workers = 4;

// visitsd whose visits can sleep, behind nginx.
struct Site {
  support::ScratchKey key;
  support::Folder folder;
  std::string socket = folder / "visits.sock";
  support::Program pool{{SLOW_VISITSD, "-F", "-d", "listen=" + socket, "-d",
                         "pm.max_children=" + std::to_string(workers), "-d",
                         "visits.key=" + sysv::text_of(key.get())},
                        folder / "visitsd.log"};

  Site() {
    support::eventually([this] { return !old().empty() && support::is_listening(socket); });
  }

  std::vector<pid_t> old() const { return support::children_of(pool.pid()); }

  bool are_gone(const std::vector<pid_t>& before) const {
    const std::vector<pid_t> now = old();
    return std::none_of(before.begin(), before.end(), [&](pid_t pid) {
      return std::find(now.begin(), now.end(), pid) != now.end();
    });
  }
};

void print(const char* what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto share = [&](std::size_t percent) { return times[(times.size() - 1) * percent / 100]; };
  std::printf("%s: %zu, p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", what, times.size(), share(50),
              share(99), times.back());
}

// Of others, from the reload until the request of five seconds has ended.
void measure_waits(Site& site) {
  const support::Nginx nginx(site.folder);
  std::vector<double> times;
  int failed = 0;
  for (int i = 0; i < reloads; ++i) {
    std::atomic<bool> done{false};
    std::jthread patient([&] {
      if (support::get(nginx.url("/sleep/5000")).status != 200) ++failed;
      done = true;
    });
    std::this_thread::sleep_for(200ms);
    site.pool.signal(SIGUSR2);
    support::Client client;
    while (!done) {
      const auto start = Clock::now();
      const support::Answer answer = client.get(nginx.url());
      times.push_back(Milliseconds(Clock::now() - start).count());
      if (answer.status != 200) std::printf("a request failed: %d\n", answer.status);
      std::this_thread::sleep_for(1ms);
    }
  }
  print("others during reloads with a request of 5 s in flight", times);
  if (failed > 0) std::printf("%d of the requests of 5 s failed\n", failed);
}

// From the signal until the last process of before has gone.
void measure_idle(Site& site, int connections) {
  std::vector<os::Descriptor> kept;
  const auto ask_all = [&] {
    return std::count_if(kept.begin(), kept.end(), [](const os::Descriptor& connection) {
      support::send(connection.get(), support::get_request("/"));
      return support::answer_on(connection.get()).has_value();
    });
  };
  for (int i = 0; i < connections; ++i) kept.push_back(support::connection_to(site.socket));
  std::vector<double> times;
  auto answered = ask_all();
  for (int i = 0; i < reloads; ++i) {
    const std::vector<pid_t> before = site.old();
    const auto start = Clock::now();
    site.pool.signal(SIGUSR2);
    while (!site.are_gone(before)) std::this_thread::sleep_for(1ms);
    times.push_back(Milliseconds(Clock::now() - start).count());
    std::this_thread::sleep_for(200ms);
    answered = std::min(answered, ask_all());
  }
  print(("idle reloads with " + std::to_string(connections) + " kept connections").c_str(), times);
  if (answered < connections) std::printf("only %td connections were kept\n", answered);
}

}  // namespace

int main() {
  Site site;
  measure_idle(site, 12);
  measure_idle(site, 500);
  measure_waits(site);
}
