// A small program of our libraries, for tests about slow requests and reloads. It takes visitsd's
// words, and answers /echo with the body it was sent, /sleep/MILLISECONDS after that time and
// anything else at once, with the number of the process that did.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cli/config.hpp"
#include "fcgi/responder.hpp"
#include "os/descriptor.hpp"
#include "os/signals.hpp"
#include "prefork/service.hpp"

namespace {

std::string answer(const http::Request& request) {
  if (request.target == "/echo") return std::string(request.body);
  const std::string prefix = "/sleep/";
  if (request.target.starts_with(prefix)) {
    const std::chrono::milliseconds time(
        std::atoi(std::string(request.target.substr(prefix.size())).c_str()));
    std::this_thread::sleep_for(time);
  }
  return "slept in process " + std::to_string(getpid());
}

fcgi::Ending ending_of(prefork::Wish wish) {
  if (wish == prefork::Wish::none) return fcgi::Ending::none;
  return wish == prefork::Wish::retire ? fcgi::Ending::retire : fcgi::Ending::stop;
}

void work(prefork::Worker& worker, const prefork::Premises& premises) {
  fcgi::Responder responder({
      .listen_fd = premises.listening_fd(),
      .stop_fd = worker.stop_fd(),
      .bodies = fcgi::Bodies::kept,
      .relay = &premises.relay(),
      .ending = [&] { return ending_of(worker.wish()); },
  });
  worker.idle();
  responder.run([&](const http::Request& request, http::Response& response) {
    worker.begin({});
    response.body = answer(request);
    worker.end();
  });
}

prefork::Service::Settings settings_of(const cli::Config& config, std::vector<std::string> words) {
  return {.premises = {.pid_file = config.pid_file, .endpoint = config.endpoint},
          .limits = config.pool,
          .words = std::move(words),
          .systemd_interval = config.systemd_interval};
}

int check(const prefork::Service::Settings& settings) {
  if (const auto held = os::Handover::in_question()) {
    prefork::Premises::rehearse(settings.premises, *held);
    std::puts(os::Handover::acceptance);
  }
  return 0;
}

int serve(const prefork::Service::Settings& settings) {
  os::occupy_standard_descriptors();
  os::block_signals();
  os::Inheritance inheritance = os::Inheritance::claim();
  prefork::Service service(settings, inheritance);
  return service.run({.serve = [&](prefork::Worker& w) { work(w, service.premises()); }});
}

}  // namespace

int main(int argc, char** argv) try {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const cli::CommandLine command =
      cli::parse(std::vector<const char*>(words.begin() + 1, words.end()));
  const auto settings = settings_of(command.config, {words.begin(), words.end()});
  return command.wish == cli::Wish::test ? check(settings) : serve(settings);
} catch (const std::exception& error) {
  std::fprintf(stderr, "sleeper: %s\n", error.what());
  return 78;
}
