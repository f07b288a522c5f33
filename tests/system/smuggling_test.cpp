#include <string>
#include <vector>

#include "os/descriptor.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using support::KeepConnection;
using support::Nginx;
using support::Pool;
using support::Type;

namespace {

struct Site : support::Scratch {
  support::Folder folder;
};

// A whole request of FastCGI's, as an attacker would hide it in the body of a POST.
std::string hidden_request() {
  return support::begin(KeepConnection::yes) +
         support::params({{"REQUEST_METHOD", "GET"},
                          {"REQUEST_URI", "/smuggled"},
                          {"REMOTE_ADDR", "127.0.0.1"}}) +
         support::in("");
}

// PARAMS whose name claims to have nearly 2^31 bytes: libfcgi fails to allocate them, and aborts.
std::string boundless_name() {
  return support::begin(KeepConnection::no) +
         support::record(Type::params, std::string("\xff\xff\xff\xfe\x01", 5)) +
         support::record(Type::params, "");
}

// GET_VALUES (type 9, request 0) that asks five times for the same: libfcgi's answer overflows. It
// answers when it has read on, so something follows.
std::string endless_values() {
  std::string names;
  for (int i = 0; i < 5; ++i) names += support::pair("FCGI_MAX_CONNS", "");
  std::string packet = support::record(static_cast<Type>(9), names);
  packet[3] = 0;  // a management record has no request
  return packet + hidden_request();
}

}  // namespace

// libfcgi reads 8192 bytes at a time; the request lies at a different offset each time, so that in
// some it would begin where a body that is not read to its end leaves off.
TEST_CASE_METHOD(Site, "No body of a POST ever becomes a request: 500 tries count 500 visits") {
  const Pool pool(folder, key, 1);
  const Nginx nginx(folder);
  support::Client client;
  constexpr int tries = 500;
  for (int i = 0; i < tries; ++i) {
    const std::string padding(7800 + static_cast<std::size_t>(i), 'x');
    REQUIRE(client.post(nginx.url(), padding + hidden_request() + hidden_request()).body ==
            std::to_string(i + 1) + " visits so far");
  }
  CHECK(support::count_at(key) == tries);
}

TEST_CASE_METHOD(Site, "A packet that kills libfcgi ends its own connection, and nothing else") {
  Pool pool(folder, key, 3);
  const Nginx nginx(folder);
  REQUIRE(support::get(nginx.url()).status == 200);
  const std::vector<pid_t> workers = pool.workers();
  for (const std::string& packet : {boundless_name(), endless_values()}) {
    for (int i = 0; i < 10; ++i) {
      const os::Descriptor attacker = support::connection_to(pool.socket());
      support::send(attacker.get(), packet);
      CHECK(support::ends(attacker.get()));
    }
  }
  CHECK(support::ab({"-n200", "-c8"}, nginx.url()).non_2xx == 0);
  CHECK(pool.workers() == workers);
  CHECK(support::count_at(key) == 201);
  CHECK_THAT(pool.log(), !support::contains("ended on signal"));
}
