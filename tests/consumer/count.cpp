// Counts to ten at a key, in memory that PHP can read, and leaves nothing behind: count 0x53000001

#include <iostream>
#include <string>

#include "sysv/segment.hpp"
#include "sysv/semaphore.hpp"
#include "sysv/value.hpp"
#include "sysv/variables.hpp"

int main(int, char** argv) {
  const sysv::Key key{std::stoi(argv[1], nullptr, 0)};
  sysv::Semaphore semaphore(key);
  auto segment = sysv::Segment::create(key, 10000).value();
  for (int visit = 0; visit < 10; ++visit) {
    semaphore.acquire();
    const sysv::Hold hold(semaphore);
    auto variables = sysv::Variables::of(segment.bytes(), 1);
    const auto count = sysv::integer_in(variables.get(0).value_or("i:0;")).value();
    variables.put(0, sysv::serialized(count + 1));
  }
  std::cout << sysv::Variables(segment.bytes()).get(0).value() << '\n';
  segment.remove();
  semaphore.remove();
}
