// A handler of one's own, behind any web server that speaks FastCGI: answer /run/answer.sock

#include <string>

#include "fcgi/responder.hpp"
#include "os/listener.hpp"
#include "os/signals.hpp"
#include "prefork/master.hpp"

int main(int, char** argv) {
  os::block_signals();
  os::Listener listener({.address = argv[1]});
  const auto answer = [](const http::Request& request, http::Response& response) {
    response.body.append("You asked for ").append(request.target).append("\n");
  };
  const auto serve = [&](prefork::Worker& worker) {
    fcgi::Responder responder(listener.fd(), worker.stop_fd());
    worker.idle();
    responder.run(answer);
  };
  const auto stop_listening = [&] { listener.close(); };
  prefork::Master master({}, {.serve = serve, .stop_listening = stop_listening});
  return master.run();
}
