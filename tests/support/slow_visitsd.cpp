// visitsd, all of it, whose visits take as long as they are asked to: /sleep/MILLISECONDS is a
// visit that takes that much longer. For comparisons with other servers, whose pages can sleep as
// well. And no visits: /large/BYTES is a page of that size, /allocations the number of times that
// its worker has allocated memory so far, /env/NAME that variable of its worker.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "bin/run.hpp"

namespace {

std::uint64_t allocations = 0;

// The number after `wish`, if the target begins with that; 0 otherwise.
int number_after(std::string_view wish, std::string_view target) {
  if (!target.starts_with(wish)) return 0;
  return std::atoi(std::string(target.substr(wish.size())).c_str());
}

fcgi::Handler slowly(fcgi::Handler answer) {
  return [answer = std::move(answer)](const http::Request& request, http::Response& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(number_after("/sleep/", request.target)));
    if (request.target == "/allocations") {
      response.body = std::to_string(allocations);
      return;
    }
    if (request.target.starts_with("/env/")) {
      const char* const value = std::getenv(std::string(request.target.substr(5)).c_str());
      response.body = value != nullptr ? value : "(unset)";
      return;
    }
    const int size = number_after("/large/", request.target);
    if (size == 0) return answer(request, response);
    response.body.assign(static_cast<std::size_t>(size), 'x');
  };
}

}  // namespace

// In place of the library's own, which every form without an alignment of its own ends in.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) { return run(Words(argv, static_cast<std::size_t>(argc)), slowly); }
