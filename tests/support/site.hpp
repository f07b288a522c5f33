#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/scratch.hpp"

namespace support {

// The workers among a master's children, without its attendant.
std::vector<pid_t> workers_of(pid_t master);

// A running pool: build/visitsd with its socket in a folder. Ready when the constructor returns.
class Pool {
 public:
  Pool(const Folder& folder, sysv::Key key, int workers, const Words& more_directives = {});

  std::string socket() const { return socket_; }
  Program& master() { return program_; }
  std::vector<pid_t> workers() const { return workers_of(program_.pid()); }
  pid_t attendant() const;  // 0: none
  std::string log() const { return program_.log(); }

  // Waits until there are all its workers.
  void wait_for_workers() const;

 private:
  int size_;
  std::string socket_;
  Program program_;
};

// nginx as nginx/front runs it, in front of the sockets in a folder, on a free port.
class Nginx {
 public:
  // `locations` is put in front of the conf's own locations, `upstreams` in front of its upstream.
  // `environment`: what nginx/front should know besides, as NAME=VALUE.
  explicit Nginx(const Folder& folder, const std::string& upstreams = {},
                 const std::string& locations = {}, const Words& environment = {});

  std::string url(const std::string& path = "/") const;
  Program& master() { return program_; }
  std::string log() const { return program_.log(); }

 private:
  int port_;
  Program program_;
};

// php-fpm with a page in a folder; the socket is FOLDER/php.sock.
class PhpFpm {
 public:
  PhpFpm(const Folder& folder, int children, const std::string& directives = {});

  // For an nginx location: passes to this php-fpm's socket, or to that upstream.
  static std::string params(const std::string& page);

 private:
  Program program_;
};

// The tutorial's page, with that key.
std::string tutorial_page(sysv::Key key);

// Runs PHP code on the command line; what it prints. Throws when it fails or warns.
std::string php(const std::string& code);

// What `ab -q -l` says of itself.
struct Load {
  int complete = 0;
  int failed = 0;
  int non_2xx = 0;
};
Load ab(const Words& options, const std::string& url);

// A port of 127.0.0.1 that nobody listens on.
int free_port();

// The count at a key, as C++ reads it.
std::int64_t count_at(sysv::Key key);

// Whether somebody listens on that unix socket.
bool is_listening(const std::string& socket);

}  // namespace support
