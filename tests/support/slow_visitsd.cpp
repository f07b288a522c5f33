// visitsd, all of it, whose visits take as long as they are asked to: /sleep/MILLISECONDS is a
// visit that takes that much longer. For comparisons with other servers, whose pages can sleep as
// well.

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "bin/run.hpp"

namespace {

fcgi::Handler slowly(fcgi::Handler answer) {
  return [answer = std::move(answer)](const http::Request& request) {
    constexpr std::string_view wish = "/sleep/";
    if (request.target.starts_with(wish)) {
      const std::string time(request.target.substr(wish.size()));
      std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(time.c_str())));
    }
    return answer(request);
  };
}

}  // namespace

int main(int argc, char** argv) { return run(Words(argv, static_cast<std::size_t>(argc)), slowly); }
