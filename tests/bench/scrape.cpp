// What a thousand scrapes of /metrics in a second cost the visits beside them. wrk asks without a
// pause; by short turns, in every order, nobody scrapes, and a scraper asks itself, a mirror (a
// process that sends the same page and does nothing else), and the pool. What a scraper disturbs by
// waking up a thousand times a second shows when it asks itself. The visits are counted in a
// second, and in a second of processor time of all that takes part without the scraper. Prints, and
// tests nothing; other programs on the machine make the figures vary far more than scrapes do:
//     cmake --build build --target bench_scrape

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "support/child.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int rounds = 240;  // of a turn of each kind; four in each order
constexpr auto turn = 250ms;
constexpr auto settling = 20ms;  // from one kind to the next, not measured
constexpr auto scrape_every = 1ms;

enum Scrapes { none, of_itself, of_the_mirror, of_the_pool, kinds };

struct Site {
  support::ScratchKey key;
  support::Folder folder;
  support::Pool pool{folder, key.get(), 4};
  support::Nginx nginx{folder};
  std::string status_socket = folder / "visits-status.sock";
};

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Seconds on a processor, of all its threads.
double cpu_of(pid_t process) {
  clockid_t clock{};
  return clock_getcpuclockid(process, &clock) == 0 ? seconds_of(clock) : 0;
}

// Seconds of all processors together.
struct Machine {
  double busy = 0;
  double idle = 0;

  static Machine now() {
    std::ifstream file("/proc/stat");
    std::string cpu;
    std::array<double, 8> ticks{};  // user nice system idle iowait irq softirq steal
    file >> cpu;
    for (double& number : ticks) file >> number;
    const double second = static_cast<double>(sysconf(_SC_CLK_TCK));
    const double idle = ticks[3] + ticks[4];
    double all = 0;
    for (const double number : ticks) all += number;
    return {.busy = (all - idle) / second, .idle = idle / second};
  }
};

// This process and all below it.
std::vector<pid_t> family() {
  std::vector<pid_t> all = {getpid()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const pid_t child : support::children_of(all[i])) all.push_back(child);
  }
  return all;
}

void ask(int connection) { support::send(connection, support::get_request("/metrics")); }

std::string page_on(int connection) {
  std::string page = support::answer_on(connection).value_or("");
  if (page.find("# EOF") == std::string::npos) std::puts("a page was torn, or none");
  return page;
}

// Two ends of one connection, and the page that answers what is asked at the first.
class Echo {
 public:
  explicit Echo(const std::string& page) : answer_(records_of(page)) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == -1) std::abort();
    asking_ = os::Descriptor(ends[0]);
    answering_ = os::Descriptor(ends[1]);
  }

  int fd() const { return asking_.get(); }

  bool answer() const {
    std::array<char, 4096> request{};
    if (read(answering_.get(), request.data(), request.size()) <= 0) return false;
    support::send(answering_.get(), answer_);
    return true;
  }

  // For the process that answers: without the other end, so that it learns when that is gone.
  int answer_to_the_end() {
    asking_ = os::Descriptor();
    while (answer()) {
    }
    return 0;
  }

 private:
  static std::string records_of(const std::string& page) {
    return support::record(support::Type::out, page) + support::record(support::Type::out, "") +
           support::record(support::Type::end, std::string(8, '\0'));
  }

  std::string answer_;
  os::Descriptor asking_;
  os::Descriptor answering_;
};

// Asks on one connection, a thousand times a second, whom it is told to.
class Scraper {
 public:
  Scraper(const Echo& echo, int mirror, int pool)
      : echo_(echo), connections_{-1, echo.fd(), mirror, pool}, thread_([this] { run(); }) {}
  ~Scraper() { turn_to(kinds); }
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  void turn_to(Scrapes whom) {
    whom_ = whom;
    whom_.notify_one();
  }

  int scrapes() const { return scrapes_; }

  double cpu() {
    clockid_t clock{};
    pthread_getcpuclockid(thread_.native_handle(), &clock);
    return seconds_of(clock);
  }

 private:
  void run() {
    auto next = Clock::now();
    for (Scrapes whom = whom_; whom != kinds; whom = whom_) {
      if (whom == none) {
        whom_.wait(none);
        next = Clock::now();
        continue;
      }
      ::ask(connections_.at(whom));
      if (whom == of_itself) echo_.answer();
      page_on(connections_.at(whom));
      ++scrapes_;
      std::this_thread::sleep_until(next += scrape_every);
    }
  }

  const Echo& echo_;
  std::array<int, kinds> connections_;
  std::atomic<Scrapes> whom_{none};
  std::atomic<int> scrapes_{0};
  std::jthread thread_;
};

// One look at all that grows, or what it has grown by.
struct Reading {
  double visits;
  double seconds;
  double scrapes;
  double scraper;    // seconds on a processor
  double answering;  // the same, of attendant and mirror
  double ours;       // of all processes of this measurement
  Machine machine;

  Reading since(const Reading& before) const {
    return {.visits = visits - before.visits,
            .seconds = seconds - before.seconds,
            .scrapes = scrapes - before.scrapes,
            .scraper = scraper - before.scraper,
            .answering = answering - before.answering,
            .ours = ours - before.ours,
            .machine = {.busy = machine.busy - before.machine.busy,
                        .idle = machine.idle - before.machine.idle}};
  }

  double rate() const { return visits / seconds; }
  double yield_without_scraper() const { return visits / (ours - scraper); }
  double percent(double cpu) const { return 100 * cpu / (machine.busy + machine.idle); }
  double others() const { return percent(machine.busy - ours); }
};

class Bench {
 public:
  Bench()
      : echo_(page()),
        mirrored_(page()),
        mirror_([this] { return mirrored_.answer_to_the_end(); }),
        attendant_(support::connection_to(site_.status_socket)),
        scraper_(echo_, mirrored_.fd(), attendant_.get()),
        load_({"wrk", "-t", "1", "-c", "8", "-d", "1h", site_.nginx.url()},
              site_.folder / "load.log") {
    measure(none);  // warms up
    family_ = family();
  }

  Reading measure(Scrapes whom) {
    scraper_.turn_to(whom);
    std::this_thread::sleep_for(settling);
    const Reading before = look();
    std::this_thread::sleep_for(turn);
    return look().since(before);
  }

 private:
  std::string page() const {
    const os::Descriptor connection = support::connection_to(site_.status_socket);
    ask(connection.get());
    return page_on(connection.get());
  }

  Reading look() {
    return {
        .visits = static_cast<double>(support::count_at(site_.key.get())),
        .seconds = seconds_of(CLOCK_MONOTONIC),
        .scrapes = static_cast<double>(scraper_.scrapes()),
        .scraper = scraper_.cpu(),
        .answering = cpu_of(site_.pool.attendant()) + cpu_of(mirror_.pid()),
        .ours = std::accumulate(family_.begin(), family_.end(), 0.0,
                                [](double sum, pid_t process) { return sum + cpu_of(process); }),
        .machine = Machine::now()};
  }

  Site site_;
  Echo echo_;
  Echo mirrored_;
  support::Child mirror_;
  os::Descriptor attendant_;
  Scraper scraper_;
  support::Program load_;
  std::vector<pid_t> family_;
};

using Round = std::array<Reading, kinds>;

std::vector<Round> take_turns() {
  Bench bench;
  std::vector<Round> all(rounds);
  std::array<Scrapes, kinds> order = {none, of_itself, of_the_mirror, of_the_pool};
  for (Round& round : all) {
    for (const Scrapes whom : order) round.at(whom) = bench.measure(whom);
    std::next_permutation(order.begin(), order.end());
  }
  return all;
}

std::vector<Reading> turns_of(const std::vector<Round>& all, Scrapes whom) {
  std::vector<Reading> turns;
  for (const Round& round : all) turns.push_back(round.at(whom));
  return turns;
}

// The median, where the middle half is, and where the true median is with 95 % certainty, by the
// ranks of a sign test, which knows nothing of how the noise is distributed.
void print(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t size = values.size();
  const auto margin = static_cast<std::size_t>(std::ceil(0.98 * std::sqrt(size)));
  const double median = (values[size / 2] + values[(size - 1) / 2]) / 2;
  std::printf("  %s: %.2f (half of all from %.2f to %.2f; 95 %% sure of %.2f to %.2f)\n", what,
              median, values[size / 4], values[size - 1 - size / 4], values[size / 2 - margin],
              values[(size - 1) / 2 + margin]);
}

using Figure = std::function<double(const Reading&)>;

void print(const char* what, const std::vector<Reading>& all, const Figure& figure) {
  std::vector<double> values(all.size());
  std::transform(all.begin(), all.end(), values.begin(), figure);
  print(what, std::move(values));
}

void print_turns(const char* name, const std::vector<Reading>& all) {
  std::puts(name);
  print("visits in a second", all, &Reading::rate);
  print("visits of a second of processor time", all, &Reading::yield_without_scraper);
  print("percent of the processors idle", all,
        [](const Reading& r) { return r.percent(r.machine.idle); });
  print("percent of them that others took", all, &Reading::others);
  if (all.front().scrapes == 0) return;
  print("scrapes in a second", all, [](const Reading& r) { return r.scrapes / r.seconds; });
  print("us on a processor for each, of who answers", all,
        [](const Reading& r) { return 1e6 * r.answering / r.scrapes; });
  print("percent of the processors that this takes", all,
        [](const Reading& r) { return r.percent(r.answering); });
  print("us on a processor for each, of who asks", all,
        [](const Reading& r) { return 1e6 * r.scraper / r.scrapes; });
}

// Each turn beside its round's other one, so that a machine that grows slower does not count.
void print_cost(const char* what, const std::vector<Reading>& without,
                const std::vector<Reading>& with, const Figure& figure) {
  std::vector<double> costs(with.size());
  std::transform(with.begin(), with.end(), without.begin(), costs.begin(),
                 [&](const Reading& one, const Reading& other) {
                   return 100 * (1 - figure(one) / figure(other));
                 });
  print(what, std::move(costs));
}

}  // namespace

int main() {
  const std::vector<Round> all = take_turns();
  const auto quiet = turns_of(all, none);
  const auto itself = turns_of(all, of_itself);
  const auto mirror = turns_of(all, of_the_mirror);
  const auto pool = turns_of(all, of_the_pool);
  print_turns("nobody scrapes", quiet);
  print_turns("the scraper asks itself", itself);
  print_turns("the scraper asks the mirror", mirror);
  print_turns("the scraper asks the pool", pool);
  std::printf("percent of the visits that scrapes cost, in %d rounds\n", rounds);
  const auto print_costs = [&](const char* name, const Figure& figure) {
    std::puts(name);
    print_cost("the scraper asks itself, beside none", quiet, itself, figure);
    print_cost("the scraper asks the pool, beside none", quiet, pool, figure);
    print_cost("the scraper asks the pool, beside itself", itself, pool, figure);
    print_cost("the scraper asks the pool, beside the mirror", mirror, pool, figure);
  };
  print_costs("visits in a second", &Reading::rate);
  print_costs("visits of the same processor time, the scraper's own left out",
              &Reading::yield_without_scraper);
}
