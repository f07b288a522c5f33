// What a thousand scrapes of /metrics in a second cost the visits beside them: rounds of ab, by
// turns without scrapes, with a scraper that asks itself, which costs what scrapers cost, and with
// one that asks the pool. Prints, and tests nothing:
//     cmake --build build --target bench_scrape

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "os/descriptor.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int rounds = 12;  // of each kind
constexpr int requests = 100'000;
constexpr auto scrape_every = 1ms;

struct Site {
  support::ScratchKey key;
  support::Folder folder;
  support::Pool pool{folder, key.get(), 4};
  support::Nginx nginx{folder};
};

std::vector<pid_t> family_of(pid_t pid) {
  std::vector<pid_t> all = {pid};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const pid_t child : support::children_of(all[i])) all.push_back(child);
  }
  return all;
}

// Nanoseconds on a CPU, of all of them.
double cpu_of(const std::vector<pid_t>& processes) {
  double sum = 0;
  for (const pid_t pid : processes) {
    sum += std::atof(support::contents_of("/proc/" + std::to_string(pid) + "/schedstat").c_str());
  }
  return sum;
}

enum class Scrapes { none, of_itself, of_the_pool };

// Two ends of one connection, one of which answers what was asked at the other.
class Mirror {
 public:
  explicit Mirror(const std::string& page) : answer_(records_of(page)) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == -1) std::abort();
    asking_ = os::Descriptor(ends[0]);
    answering_ = os::Descriptor(ends[1]);
  }

  int fd() const { return asking_.get(); }

  void answer() const {
    std::array<char, 4096> request{};
    (void)!read(answering_.get(), request.data(), request.size());
    support::send(answering_.get(), answer_);
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

std::string page_at(const std::string& socket) {
  const os::Descriptor connection = support::connection_to(socket);
  support::send(connection.get(), support::get_request("/metrics"));
  return support::answer_on(connection.get()).value_or("");
}

// Asks on one connection, a thousand times a second, until told to end.
int scrape(const std::string& socket, Scrapes whom, const std::atomic<bool>& more) {
  if (whom == Scrapes::none) return 0;
  const Mirror mirror(page_at(socket));
  const os::Descriptor pool = support::connection_to(socket);
  const int connection = whom == Scrapes::of_itself ? mirror.fd() : pool.get();
  int scrapes = 0;
  for (auto next = Clock::now(); more; next += scrape_every) {
    std::this_thread::sleep_until(next);
    support::send(connection, support::get_request("/metrics"));
    if (whom == Scrapes::of_itself) mirror.answer();
    const std::string page = support::answer_on(connection).value_or("");
    if (page.find("# EOF") == std::string::npos) std::puts("a page was torn, or none");
    ++scrapes;
  }
  return scrapes;
}

struct Round {
  double rate;           // requests in a second
  double cpu;            // µs of workers and nginx for each
  double scrapes = 0;    // in a second
  double attendant = 0;  // µs of the attendant for each scrape
};

Round measure(Site& site, Scrapes whom) {
  std::vector<pid_t> serving = site.pool.workers();
  for (const pid_t pid : family_of(site.nginx.master().pid())) serving.push_back(pid);
  const std::vector<pid_t> attendant = {site.pool.attendant()};
  std::atomic<bool> more{true};
  int scrapes = 0;
  std::jthread scraper([&] { scrapes = scrape(site.folder / "visits-status.sock", whom, more); });
  const double before = cpu_of(serving);
  const double attendant_before = cpu_of(attendant);
  const auto start = Clock::now();
  const support::Load load =
      support::ab({"-k", "-c", "8", "-n", std::to_string(requests)}, site.nginx.url());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double cpu = cpu_of(serving) - before;
  more = false;
  scraper.join();
  if (load.complete != requests || load.non_2xx > 0) std::puts("requests failed");
  Round round{.rate = requests / seconds, .cpu = cpu / requests / 1000};
  if (scrapes == 0) return round;
  round.scrapes = scrapes / seconds;
  round.attendant = (cpu_of(attendant) - attendant_before) / scrapes / 1000;
  return round;
}

void print(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double median = (values[values.size() / 2] + values[(values.size() - 1) / 2]) / 2;
  std::printf("  %s: median %.1f, from %.1f to %.1f\n", what, median, values.front(),
              values.back());
}

template <class Figure>
void print(const char* what, const std::vector<Round>& all, Figure figure) {
  std::vector<double> values;
  for (const Round& round : all) values.push_back(figure(round));
  print(what, std::move(values));
}

void print(const char* name, const std::vector<Round>& all) {
  std::printf("%s\n", name);
  print("requests in a second", all, [](const Round& r) { return r.rate; });
  print("CPU of workers and nginx for each, us", all, [](const Round& r) { return r.cpu; });
}

// Each round beside one of just before it, so that a machine that grows slower does not count.
void print_cost(const char* name, const std::vector<Round>& without,
                const std::vector<Round>& with) {
  std::vector<double> of_rate;
  std::vector<double> of_cpu;
  for (std::size_t i = 0; i < with.size(); ++i) {
    of_rate.push_back(100 * (1 - with[i].rate / without[i].rate));
    of_cpu.push_back(100 * (with[i].cpu / without[i].cpu - 1));
  }
  std::puts(name);
  print("of the requests in a second", of_rate);
  print("of the CPU of each request", of_cpu);
}

}  // namespace

int main() {
  Site site;
  measure(site, Scrapes::none);  // warms up
  std::vector<Round> without;
  std::vector<Round> of_itself;
  std::vector<Round> of_the_pool;
  for (int i = 0; i < rounds; ++i) {
    without.push_back(measure(site, Scrapes::none));
    of_itself.push_back(measure(site, Scrapes::of_itself));
    of_the_pool.push_back(measure(site, Scrapes::of_the_pool));
  }
  print("without a scraper", without);
  print("beside a scraper that asks itself", of_itself);
  print("beside a scraper that asks the pool", of_the_pool);
  print("scrapes in a second", of_the_pool, [](const Round& r) { return r.scrapes; });
  print("CPU of the attendant for each, us", of_the_pool,
        [](const Round& r) { return r.attendant; });
  print("percent of this machine that is", of_the_pool, [](const Round& r) {
    return r.scrapes * r.attendant / 1e4 / std::thread::hardware_concurrency();
  });
  print_cost("what the scraper costs, in percent", without, of_itself);
  print_cost("what the pool's answers to it cost, in percent", of_itself, of_the_pool);
}
