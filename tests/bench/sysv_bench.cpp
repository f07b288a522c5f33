#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/race.hpp"
#include "sysv/layout.hpp"
#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/value.hpp"
#include "sysv/variables.hpp"

// What an increment through lock and table costs, and what a read, here and in PHP.
// Prints Markdown. sysv_bench [INCREMENTS]: fewer than the usual 100000 are for a first look.

namespace {

using sysv::Key;
using sysv::Segment;
using sysv::Semaphore;
using sysv::Variables;

constexpr int rounds = 5;
constexpr long usual_increments = 100000;

const char* const php_increments = R"php(
$semaphore = sem_get((int) $argv[2]);
$segment = shm_attach((int) $argv[2]);
echo 'x'; fread(STDIN, 1);
for ($turn = (int) $argv[1]; $turn > 0; --$turn) {
  sem_acquire($semaphore);
  shm_put_var($segment, 0, shm_has_var($segment, 0) ? shm_get_var($segment, 0) + 1 : 1);
  sem_release($semaphore);
}
echo 'x'; fread(STDIN, 1);
)php";

const char* const php_reads = R"php(
$segment = shm_attach((int) $argv[2]);
$key = (int) $argv[3];
echo 'x'; fread(STDIN, 1);
for ($turn = (int) $argv[1]; $turn > 0; --$turn) $value = shm_get_var($segment, $key);
echo 'x'; fread(STDIN, 1);
)php";

// Semaphore and segment of a key, gone at the end.
struct Scratch {
  Key key{0x53008000 + getpid() % 0x8000};
  Semaphore semaphore{key};  // open throughout: nobody becomes the first user half-way

  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    remove_segment();
    semaphore.remove();
  }

  std::string number() const { return std::to_string(static_cast<int>(key)); }

  void remove_segment() const {
    if (auto segment = Segment::open(key)) segment->remove();
  }
};

std::int64_t count_in(const Variables& variables) {
  return sysv::integer_in(variables.get(0).value_or("i:0;")).value();
}

bench::Racer our_increments(Key key) {
  return [key](long turns) {
    Semaphore semaphore(key);
    Segment segment = Segment::open(key).value();
    bench::ready();
    for (; turns > 0; --turns) {
      semaphore.acquire();
      const sysv::Hold hold(semaphore);
      Variables variables = Variables::of(segment.bytes(), 1);
      variables.put(0, sysv::serialized(count_in(variables) + 1));
    }
    bench::done();
  };
}

bench::Racer our_reads(Key key, std::int64_t variable) {
  return [=](long turns) {
    Segment segment = Segment::open(key).value();
    bench::ready();
    for (; turns > 0; --turns) {
      if (!sysv::integer_in(Variables(segment.bytes()).get(variable).value())) std::abort();
    }
    bench::done();
  };
}

bench::Racer atomic_adds(std::atomic<long>& sum) {
  return [&sum](long turns) {
    bench::ready();
    for (; turns > 0; --turns) sum.fetch_add(1);
    bench::done();
  };
}

// Each starts from a segment of its own kind, and not one increment may be missing.
double time_of_increments(const Scratch& scratch, int processes, long each, bool in_php) {
  scratch.remove_segment();
  if (!in_php) (void)Segment::create(scratch.key, 10000, sysv::everyone);
  const double time = bench::race(
      processes, each,
      in_php ? bench::php(php_increments, {scratch.number()}) : our_increments(scratch.key));
  const auto counted = count_in(Variables(Segment::open(scratch.key).value().bytes()));
  if (counted != processes * each) throw std::runtime_error("increments were lost");
  return time;
}

double median(std::array<double, rounds> times) {
  std::sort(times.begin(), times.end());
  return times[rounds / 2];
}

void compare_increments(const Scratch& scratch, std::atomic<long>& sum, long increments) {
  std::puts("| processes | atomic add, ns | lock and table, ns | PHP, ns | PHP : ours |");
  std::puts("| ---: | ---: | ---: | ---: | ---: |");
  for (const int processes : {1, 2, 4, 8}) {
    const long each = std::max(increments / processes, 1L);
    std::array<double, rounds> bare{};
    std::array<double, rounds> ours{};
    std::array<double, rounds> theirs{};
    for (std::size_t round = 0; round < rounds; ++round) {
      bare[round] = bench::race(processes, 20 * each, atomic_adds(sum));
      ours[round] = time_of_increments(scratch, processes, each, false);
      theirs[round] = time_of_increments(scratch, processes, each, true);
    }
    std::printf("| %d | %.1f | %.0f | %.0f | %.1f |\n", processes, median(bare), median(ours),
                median(theirs), median(theirs) / median(ours));
    std::fflush(stdout);
  }
}

// As PHP writes it, but at once: to put them one by one takes time that grows with their square.
void fill(std::span<std::byte> bytes, std::int64_t variables) {
  namespace at = sysv::layout::header;
  std::vector<sysv::layout::Word> words(bytes.size() / sysv::layout::word_size);
  std::memcpy(words.data(), sysv::layout::magic.data(), sysv::layout::magic.size());
  const auto size = static_cast<sysv::layout::Word>(bytes.size());
  words[at::start / 8] = at::size;
  words[at::end / 8] = size;
  words[at::total / 8] = size;
  std::size_t word = at::size / 8;
  for (std::int64_t key = 0; key < variables; ++key, word += 5) {
    words[word] = key;
    words[word + 1] = 4;
    words[word + 2] = sysv::layout::chunk_size(4);
    std::memcpy(&words[word + 3], "i:7;", 4);
  }
  std::memcpy(bytes.data(), words.data(), bytes.size());
}

void compare_reads(const Scratch& scratch, std::int64_t variables, const char* name,
                   std::int64_t variable, long effort) {
  const long turns = std::max(effort / (variable + 100), 1L);
  std::array<double, rounds> ours{};
  std::array<double, rounds> theirs{};
  for (std::size_t round = 0; round < rounds; ++round) {
    ours[round] = bench::race(1, turns, our_reads(scratch.key, variable));
    theirs[round] =
        bench::race(1, turns, bench::php(php_reads, {scratch.number(), std::to_string(variable)}));
  }
  std::printf("| %ld | %s | %.0f | %.0f | %.2f |\n", static_cast<long>(variables), name,
              median(ours), median(theirs), median(theirs) / median(ours));
  std::fflush(stdout);
}

void compare_reads(const Scratch& scratch, long effort) {
  std::puts("\n| variables | which | get, ns | PHP's shm_get_var, ns | PHP : ours |");
  std::puts("| ---: | --- | ---: | ---: | ---: |");
  for (const std::int64_t variables : {10, 1000, 100000}) {
    scratch.remove_segment();
    const auto count = static_cast<std::size_t>(variables);
    const std::size_t size = sysv::layout::header::size + count * sysv::layout::chunk_size(4);
    fill(Segment::create(scratch.key, size).value().bytes(), variables);
    compare_reads(scratch, variables, "first", 0, effort);
    compare_reads(scratch, variables, "middle", variables / 2, effort);
    compare_reads(scratch, variables, "last", variables - 1, effort);
  }
}

void describe_machine() {
  std::array<double, 1> load{};
  getloadavg(load.data(), 1);
  std::printf("%ld processors, load %.1f before the start; medians of %d rounds\n\n",
              sysconf(_SC_NPROCESSORS_ONLN), load[0], rounds);
}

void run(long increments) {
  void* const memory = mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  const Scratch scratch;
  describe_machine();
  compare_increments(scratch, *new (memory) std::atomic<long>, increments);
  compare_reads(scratch, 200 * increments);
}

}  // namespace

int main(int argc, char** argv) try {
  run(argc > 1 ? std::atol(argv[1]) : usual_increments);
} catch (const std::exception& error) {
  std::fprintf(stderr, "sysv_bench: %s\n", error.what());
  return 1;
}
