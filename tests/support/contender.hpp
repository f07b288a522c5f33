#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/client.hpp"
#include "support/folder.hpp"
#include "support/program.hpp"
#include "support/scratch.hpp"

namespace support {

// A pool behind an nginx of its own, php-fpm's or ours, which are told the same in the same words:
// both read php-fpm's configuration. Every page is a visit; /sleep/N takes N milliseconds first.
class Contender {
 public:
  enum class Kind { php_fpm, visits };

  struct Setup {
    Words global{};                     // lines of [global]
    Words pool{"pm.max_children = 4"};  // lines of the pool
    bool keep = true;                   // nginx keeps its connections to the pool
  };

  Contender(Kind kind, Setup setup);
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  // Ends whatever is left of it, workers without a master included.
  ~Contender();

  std::string name() const { return kind_ == Kind::visits ? "visits" : "php-fpm"; }
  std::string url(const std::string& path = "/") const;
  Program& master() { return *master_; }
  std::string socket() const { return folder_ / "pool.sock"; }
  const Folder& folder() const { return folder_; }

  // Those that the status page names.
  std::vector<pid_t> workers() const;

  // One number of the status page; -1 when there is none.
  std::int64_t status(const std::string& field) const;

  // Visits that were executed, whether somebody waited for the answer or not.
  std::int64_t executed() const;

  // Starts one more of its kind with these lines of [global], on another socket.
  std::unique_ptr<Program> another(const Words& global);

  // From now on its configuration cannot be meant.
  void break_configuration();

 private:
  std::string write_configuration(const std::string& name, const std::string& listen,
                                  const Words& global, const Words& pool) const;
  Words command(const std::string& configuration) const;
  std::string nginx_configuration(bool keep) const;

  Kind kind_;
  Folder folder_;
  ScratchKey key_;
  ScratchKey another_key_;
  int port_;
  std::string configuration_;
  std::unique_ptr<Program> master_;
  std::unique_ptr<Program> nginx_;
};

// A request and how long its answer took.
struct Timed {
  Answer answer;
  std::chrono::milliseconds time;
};
Timed timed_get(const std::string& url, std::chrono::milliseconds patience);

// Some visitors at once, each with a request of its own.
std::vector<Timed> at_once(int visitors, const std::string& url,
                           std::chrono::milliseconds patience);

// Visitors that ask again and again, until its end; each waits for 5 s at most.
class Crowd {
 public:
  enum class Method { get, post };
  Crowd(int visitors, std::string url, Method method);
  ~Crowd();

  struct Outcome {
    int sent = 0;
    int failed = 0;  // no answer, or not a 200
    std::chrono::milliseconds longest{0};
  };
  Outcome end();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> visitors_;
};

}  // namespace support
