#include "cli/sizing.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cli/config.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using cli::Machine;

TEST_CASE("A pool is as large as cores and memory allow, and never smaller than two") {
  struct Case {
    Machine machine;
    int workers;
  };
  const auto [machine, workers] =
      GENERATE(Case{{.cores = 1}, 4}, Case{{.cores = 2}, 8}, Case{{.cores = 64}, 256},
               Case{{.cores = 1, .memory_mb = 614}, 4}, Case{{.cores = 16, .memory_mb = 256}, 16},
               Case{{.cores = 80, .memory_mb = 1024}, 112}, Case{{.cores = 4, .memory_mb = 64}, 2},
               Case{{.cores = 4, .memory_mb = 1}, 2});
  CAPTURE(machine.cores, machine.memory_mb.value_or(0));
  CHECK(cli::workers_for(machine) == workers);
}

TEST_CASE("App Engine's word on the memory counts, and nonsense in its place does not") {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, int>>{
           {"128", 2}, {"nonsense", -1}, {"", -1}, {"-5", -1}, {"0", -1}}) {
    CAPTURE(text);
    const int found = support::in_child([&, text = text] {
      setenv("GAE_MEMORY_MB", text.c_str(), 1);
      const Machine machine = cli::this_machine();
      return machine.memory_mb ? cli::workers_for(machine) : 255;
    });
    CHECK(found == (expected == -1 ? 255 : expected));
  }
}

TEST_CASE("pm.max_children = auto is what this machine makes the most of") {
  CHECK(support::in_child([] {
          setenv("GAE_MEMORY_MB", "129", 1);
          const char* const words[] = {"-d", "pm.max_children=auto"};
          return cli::parse(words).config.pool.max_children;
        }) == 2);
  const char* const words[] = {"-d", "pm.max_children=auto"};
  CHECK(cli::parse(words).config.pool.max_children == cli::workers_for(cli::this_machine()));
}
