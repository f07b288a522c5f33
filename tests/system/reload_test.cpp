#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "os/listener.hpp"
#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/connection.hpp"
#include "support/lifeline.hpp"
#include "support/records.hpp"
#include "support/site.hpp"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using support::Client;
using support::Nginx;
using support::Words;

namespace {

constexpr int workers = 4;  // and one attendant, in visitsd

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// A file of the configuration whose reader waits for the test: what happens between a trial and
// the start of what was tried is up to the test.
class Ambush {
 public:
  explicit Ambush(std::string path) : path_(std::move(path)) {
    if (mkfifo(path_.c_str(), 0600) == -1) throw std::runtime_error("mkfifo " + path_);
  }

  // Whoever reads it next waits until `first` is done, and reads `text`.
  bool answer(
      const std::string& text, const std::function<void()>& first = [] {}) const {
    os::Descriptor writer;
    const bool is_read = support::eventually([&] {
      writer = os::Descriptor(open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
      return static_cast<bool>(writer);
    });
    if (is_read) first();
    return is_read && write(writer.get(), text.data(), text.size()) != -1;
  }

  std::string line() const { return "\ninclude = " + path_; }

 private:
  std::string path_;
};

// To as many as this process may have.
void raise_limit_of_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A pool whose program and configuration lie in the test's folder, so that they can be replaced.
class Installation {
 public:
  Installation(const support::Folder& folder, sysv::Key key, const std::string& program,
               const Words& before = {}, const Words& after = {})
      : folder_(folder) {
    install(program);
    configure("visits.key = " + sysv::text_of(key));
    Words words = before;
    words.insert(words.end(), {path(), "-F", "-R", "-y", folder / "visits.conf"});
    words.insert(words.end(), after.begin(), after.end());
    program_.emplace(words, folder / "visitsd.log");
    if (!support::eventually([this] { return has_workers(); })) {
      throw std::runtime_error("the pool does not start: " + log());
    }
  }

  std::string path() const { return folder_ / "visitsd"; }
  std::string socket() const { return folder_ / "visits.sock"; }
  std::string log() const { return program_->log(); }
  support::Program& master() { return *program_; }

  // As a package manager does it: another file under the same name.
  void install(const std::string& program) const {
    std::filesystem::copy_file(program, path() + ".new");
    std::filesystem::rename(path() + ".new", path());
  }

  void configure(const std::string& directives) const {
    folder_.write("visits.conf", "[global]\npid = " + folder_ / "visits.pid" +
                                     "\n[visits]\nlisten = " + socket() +
                                     "\npm = static\npm.max_children = " + std::to_string(workers) +
                                     "\n" + directives + "\n");
  }

  std::vector<pid_t> children() const { return support::children_of(program_->pid()); }

  // Reloads, and waits until none of the processes of before is left: how long that took.
  std::optional<std::chrono::milliseconds> reload() const {
    const std::vector<pid_t> old = children();
    const auto start = Clock::now();
    program_->signal(SIGUSR2);
    const bool done = support::eventually([&] { return are_gone(old) && has_workers(); });
    return done ? std::optional(since(start)) : std::nullopt;
  }

  // Asks for a reload, and waits until it is refused.
  bool reload_is_refused() const {
    const auto refusals = occurrences(log(), "reload refused");
    program_->signal(SIGUSR2);
    return support::eventually(
        [&] { return occurrences(log(), "reload refused") == refusals + 1; });
  }

  // Asks for a reload that is approved, and lets that happen before the next image reads all of its
  // configuration, and that be the end of it. Waits until this image serves again.
  bool is_caught_out(
      const std::string& directives, const std::string& end,
      const std::function<void()>& first = [] {}) const {
    const std::vector<pid_t> old = children();
    const std::size_t refusals = occurrences(log(), "reload refused");
    fall_into_ambush(directives, end, first);
    return support::eventually([&] { return are_gone(old) && has_workers(); }) &&
           occurrences(log(), "reload refused") == refusals + 1;
  }

  void fall_into_ambush(const std::string& directives, const std::string& end,
                        const std::function<void()>& first, const std::string& log = {}) const {
    const auto executions = [&] {
      return occurrences(log.empty() ? this->log() : support::contents_of(log),
                         "reload: executing");
    };
    const Ambush ambush(folder_ / "more.conf");
    const std::size_t before = executions();
    configure(directives + ambush.line());
    program_->signal(SIGUSR2);
    CHECK(ambush.answer("\n"));
    CHECK(support::eventually([&] { return executions() == before + 1; }));
    CHECK(ambush.answer(end + "\n", first));
    std::filesystem::remove(folder_ / "more.conf");
  }

  bool are_gone(const std::vector<pid_t>& old) const {
    const std::vector<pid_t> now = children();
    return std::none_of(old.begin(), old.end(), [&](pid_t pid) {
      return std::find(now.begin(), now.end(), pid) != now.end();
    });
  }

  bool has_workers() const {
    return children().size() >= workers && support::connection_to(socket());
  }

 private:
  const support::Folder& folder_;
  std::optional<support::Program> program_;
};

struct Site : support::Scratch {
  support::Folder folder;
};

struct Tally {
  std::atomic<std::int64_t> sent{0};
  std::atomic<std::int64_t> failed{0};
};

// Eight visitors who GET and POST by turns while `more` is true.
void visit(const std::string& url, Client::Connection connection, Tally& tally,
           const std::atomic<bool>& more) {
  const std::string body(5000, 'x');
  std::vector<std::jthread> visitors;
  for (int i = 0; i < 8; ++i) {
    visitors.emplace_back([&] {
      Client client(connection);
      for (int n = 0; more; ++n) {
        ++tally.sent;
        const support::Answer answer = n % 2 == 0 ? client.get(url) : client.post(url, body);
        if (answer.status != 200) ++tally.failed;
      }
    });
  }
}

const std::string without_kept =
    "    location /each { fastcgi_pass visits; fastcgi_next_upstream off; "
    "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri; "
    "fastcgi_param CONTENT_LENGTH $content_length; }\n";

// The last but one percent.
std::chrono::milliseconds p99(std::vector<std::chrono::milliseconds> times) {
  std::sort(times.begin(), times.end());
  return times.empty() ? 0ms : times[times.size() * 99 / 100];
}

}  // namespace

TEST_CASE_METHOD(Site,
                 "Ten reloads under load of GET and POST lose no request, and count each once") {
  const auto connection = GENERATE(Client::Connection::kept, Client::Connection::closed_each_time);
  const std::string path = GENERATE("/", "/each");
  Installation pool(folder, key, VISITSD);
  const Nginx nginx(folder, {}, without_kept);
  const std::int64_t before = support::count_at(key);
  Tally tally;
  std::atomic<bool> more{true};
  std::jthread load([&] { visit(nginx.url(path), connection, tally, more); });
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(i * 10ms);
    CHECK(pool.reload());
  }
  more = false;
  load.join();
  INFO(pool.log() << nginx.log());
  CHECK(tally.sent > 10);
  CHECK(tally.failed == 0);
  CHECK(support::count_at(key) - before == tally.sent);
  CHECK(occurrences(pool.log(), "reload: executing") == 10);
}

TEST_CASE_METHOD(Site, "A kept connection outlives a reload, and is answered by a new worker") {
  Installation pool(folder, key, SLEEPER);
  std::vector<os::Descriptor> kept;
  const auto ask = [](const os::Descriptor& connection) {
    support::send(connection.get(), support::get_request("/"));
    return support::answer_on(connection.get()).value_or("none");
  };
  for (int i = 0; i < 12; ++i) kept.push_back(support::connection_to(pool.socket()));
  for (const os::Descriptor& connection : kept) ask(connection);
  const std::vector<pid_t> old = pool.children();
  const auto time = pool.reload();
  REQUIRE(time);
  WARN("an idle pool with 12 kept connections reloads in " << time->count() << " ms");
  CHECK(*time < 1s);  // with php-fpm: until a timeout ends each worker
  for (const os::Descriptor& connection : kept) {
    const std::string answer = ask(connection);
    CHECK_THAT(answer, support::contains("slept in process"));
    for (const pid_t pid : old) {
      CHECK(answer.find("process " + std::to_string(pid)) == std::string::npos);
    }
  }
}

TEST_CASE_METHOD(Site, "A thousand kept connections outlive a reload, all of them") {
  raise_limit_of_files();
  Installation pool(folder, key, VISITSD);
  std::vector<os::Descriptor> kept;
  const auto ask_all = [&] {
    int answered = 0;
    for (const os::Descriptor& connection : kept) {
      support::send(connection.get(), support::get_request("/"));
      if (support::answer_on(connection.get())) ++answered;
    }
    return answered;
  };
  for (int i = 0; i < 1000; ++i) kept.push_back(support::connection_to(pool.socket()));
  CHECK(ask_all() == 1000);
  for (int i = 0; i < 3; ++i) {
    CHECK(pool.reload());
    CHECK(ask_all() == 1000);
  }
  CHECK(support::count_at(key) == 4000);
}

TEST_CASE_METHOD(Site,
                 "A slow request is finished by its old worker while new ones serve the others") {
  Installation pool(folder, key, SLEEPER);
  const Nginx nginx(folder);
  support::Answer slow;
  std::atomic<bool> done{false};
  const std::vector<pid_t> old = pool.children();
  std::jthread patient([&] {
    slow = support::get(nginx.url("/sleep/5000"));
    done = true;
  });
  std::this_thread::sleep_for(200ms);
  std::vector<std::chrono::milliseconds> times;
  int failed = 0;
  int by_new_ones = 0;
  pool.master().signal(SIGUSR2);
  Client client;
  while (!done) {
    const auto start = Clock::now();
    const support::Answer answer = client.get(nginx.url());
    times.push_back(since(start));
    if (answer.status != 200) ++failed;
    const auto is_of = [&](pid_t pid) {
      return answer.body == "slept in process " + std::to_string(pid);
    };
    if (std::none_of(old.begin(), old.end(), is_of)) ++by_new_ones;
    std::this_thread::sleep_for(2ms);
  }
  patient.join();
  WARN("p99 of " << times.size() << " requests during a reload with one of 5 s in flight: "
                 << p99(times).count() << " ms");
  CHECK(slow.status == 200);
  CHECK(std::any_of(old.begin(), old.end(), [&](pid_t pid) {
    return slow.body == "slept in process " + std::to_string(pid);
  }));
  CHECK(failed == 0);
  CHECK(by_new_ones > 100);
  CHECK(p99(times) < 1s);
}

TEST_CASE_METHOD(Site,
                 "A bad configuration is refused with its reason, and the old pool serves on") {
  Installation pool(folder, key, VISITSD);
  const std::vector<pid_t> old = pool.children();
  pool.configure("pm.max_childen = 3");
  CHECK(pool.reload_is_refused());
  CHECK_THAT(pool.log(),
             support::contains("reload refused: ") && support::contains("pm.max_childen"));
  pool.configure("visits.key = " + sysv::text_of(key));
  CHECK(support::eventually([&] { return pool.children() == old; }));  // without the clerk
  CHECK(pool.reload());
}

// A fifo that nobody reads cannot be opened, not even by root.
TEST_CASE_METHOD(Site, "A log that cannot be opened is refused before anything is given up") {
  Installation pool(folder, key, VISITSD);
  const std::vector<pid_t> old = pool.children();
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  pool.configure("visits.key = " + sysv::text_of(key) + "\naccess.log = " + folder / "fifo");
  CHECK(pool.reload_is_refused());
  CHECK(support::eventually([&] { return pool.children() == old; }));  // without the clerk
  pool.configure("visits.key = " + sysv::text_of(key));
  CHECK(pool.reload());
}

// Some limits are too low for the next image, some for its trial alone.
TEST_CASE_METHOD(Site,
                 "A limit of files too low for a pool is refused, and the old pool serves on") {
  const int files = GENERATE(range(6, 48, 3));
  CAPTURE(files);
  Installation pool(folder, key, VISITSD);
  REQUIRE(support::eventually([&] { return occurrences(pool.log(), "ready to handle") == 1; }));
  pool.configure("visits.key = " + sysv::text_of(key) +
                 "\n[global]\nrlimit_files = " + std::to_string(files));
  pool.master().signal(SIGUSR2);
  const auto ready = [&] { return occurrences(pool.log(), "ready to handle") == 2; };
  const auto refused = [&] { return occurrences(pool.log(), "reload refused") == 1; };
  const bool decided =
      support::eventually([&] { return ready() || refused() || pool.master().has_ended(); });
  INFO(pool.log());
  CHECK(decided);
  CHECK_FALSE(pool.master().has_ended());
  const os::Descriptor client = support::connection_to(pool.socket());
  REQUIRE(client);
  support::send(client.get(), support::get_request("/"));
  CHECK(support::answer_on(client.get()));
}

// As a shell does it for `>(…)`.
TEST_CASE_METHOD(Site, "A log that is named by its descriptor is written on after a reload") {
  Installation pool(
      folder, key, VISITSD,
      {"bash", "-c", "exec \"$0\" \"$@\" -d access.log=/dev/fd/63 63>" + folder / "access.log"});
  const auto ask = [&] {
    const os::Descriptor client = support::connection_to(pool.socket());
    support::send(client.get(), support::get_request("/"));
    return support::answer_on(client.get()).has_value();
  };
  CHECK(ask());
  CHECK(pool.reload());
  CHECK(ask());
  CHECK(pool.reload());
  CHECK(ask());
  CHECK(occurrences(support::contents_of(folder / "access.log"), "GET /") == 3);
}

TEST_CASE_METHOD(Site,
                 "A program that is broken, gone or another is refused, and the old one serves") {
  Installation pool(folder, key, VISITSD);
  const std::vector<pid_t> old = pool.children();
  folder.write("broken", "not a program");
  pool.install(folder / "broken");
  CHECK(pool.reload_is_refused());
  pool.install("/bin/false");
  CHECK(pool.reload_is_refused());
  pool.install("/bin/true");
  CHECK(pool.reload_is_refused());
  CHECK_THAT(pool.log(), support::contains("says nothing of taking over"));
  std::filesystem::remove(pool.path());
  CHECK(pool.reload_is_refused());
  CHECK_THAT(pool.log(), support::contains("No such file"));
  CHECK(support::eventually([&] { return pool.children() == old; }));  // without the clerk
  CHECK(support::connection_to(pool.socket()));
}

TEST_CASE_METHOD(Site, "An address where another listens is refused before anything is given up") {
  const support::Folder elsewhere;
  const support::ScratchKey other_key;
  const support::Pool other(elsewhere, other_key.get(), 1);
  Installation pool(folder, key, VISITSD);
  SECTION("socket") {
    pool.configure("listen = " + other.socket());
    CHECK(pool.reload_is_refused());
    CHECK_THAT(pool.log(), support::contains("another process listens there"));
  }
  SECTION("key") {
    pool.configure("visits.key = " + sysv::text_of(other_key.get()));
    CHECK(pool.reload_is_refused());
    CHECK_THAT(pool.log(), support::contains("in use by another pool"));
  }
  CHECK(support::connection_to(pool.socket()));
  CHECK(support::connection_to(other.socket()));
}

TEST_CASE_METHOD(Site,
                 "An address that is to change its use is refused while the old pool serves") {
  Installation pool(folder, key, VISITSD);
  const std::vector<pid_t> old = pool.children();
  pool.configure("visits.key = " + sysv::text_of(key) + "\nlisten = " + folder / "new.sock" +
                 "\npm.status_listen = " + pool.socket());
  CHECK(pool.reload_is_refused());
  CHECK_THAT(pool.log(), support::contains("the pool listens there already"));
  CHECK(occurrences(pool.log(), "reload: executing") == 0);
  CHECK(support::eventually([&] { return pool.children() == old; }));  // without the clerk
}

TEST_CASE_METHOD(Site, "A reload runs the program that is installed by then, in the same process") {
  Installation pool(folder, key, VISITSD);
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
  pool.install(SLEEPER);
  CHECK(pool.reload());
  CHECK_THAT(support::get(nginx.url()).body, support::contains("slept in process"));
  CHECK(support::contents_of(folder / "visits.pid") == std::to_string(pool.master().pid()));
  pool.install(VISITSD);
  CHECK(pool.reload());
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  CHECK_FALSE(pool.master().has_ended());
}

TEST_CASE_METHOD(Site, "A reload takes the address, mode and size that are configured by then") {
  Installation pool(folder, key, VISITSD);
  const std::vector<pid_t> old = pool.children();
  const std::string socket = folder / "new.sock";
  pool.configure("visits.key = " + sysv::text_of(key) + "\nlisten = " + socket +
                 "\nlisten.mode = 0600\npm.max_children = 2");
  pool.master().signal(SIGUSR2);
  CHECK(support::eventually([&] { return pool.are_gone(old) && pool.children().size() == 2 + 1; }));
  CHECK(support::connection_to(socket));
  CHECK_FALSE(std::filesystem::exists(pool.socket()));
  CHECK(std::filesystem::status(socket).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE_METHOD(Site, "During reloads the socket refuses nobody") {
  Installation pool(folder, key, VISITSD);
  std::atomic<bool> more{true};
  int tries = 0;
  int refused = 0;
  std::jthread visitor([&] {
    for (; more; ++tries) {
      if (!support::connection_to(pool.socket())) ++refused;
      std::this_thread::sleep_for(100us);
    }
  });
  for (int i = 0; i < 10; ++i) CHECK(pool.reload());
  more = false;
  visitor.join();
  CHECK(tries > 100);
  CHECK(refused == 0);
}

TEST_CASE_METHOD(Site,
                 "A socket that systemd made is served, over a reload too, and is left to it") {
  const os::Listener systemd({.address = folder / "visits.sock"});
  const os::Descriptor inherited(dup(systemd.fd()));
  Installation pool(
      folder, key, VISITSD,
      {"bash", "-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&" + std::to_string(inherited.get()),
       "bash"});
  const Nginx nginx(folder);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
  CHECK(pool.reload());
  CHECK(support::get(nginx.url()).body == "2 visits so far");
  pool.master().signal(SIGTERM);
  CHECK(pool.master().wait() == 0);
  CHECK(support::connection_to(pool.socket()));  // waits for the next start
}

TEST_CASE_METHOD(Site, "Many reloads asked for at once, by USR2 and HUP, are no harm") {
  Installation pool(folder, key, VISITSD);
  const Nginx nginx(folder);
  Tally tally;
  std::atomic<bool> more{true};
  std::jthread load([&] { visit(nginx.url(), Client::Connection::kept, tally, more); });
  for (int i = 0; i < 50; ++i) {
    pool.master().signal(i % 2 == 0 ? SIGUSR2 : SIGHUP);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(support::eventually([&] { return pool.children().size() == workers + 1; }));
  more = false;
  load.join();
  CHECK(tally.failed == 0);
  CHECK(support::count_at(key) == tally.sent);
}

TEST_CASE_METHOD(Site, "A stop during a reload ends the pool, wherever the reload is") {
  for (int i = 0; i < 15; ++i) {
    support::Lifeline lifeline;
    Installation pool(folder, key, VISITSD);
    pool.master().signal(SIGUSR2);
    std::this_thread::sleep_for(i * 5ms);
    pool.master().signal(SIGTERM);
    CHECK(pool.master().wait() == 0);
    CHECK(lifeline.all_end());
    CHECK_FALSE(std::filesystem::exists(pool.socket()));
    CHECK_FALSE(std::filesystem::exists(folder / "visits.pid"));
  }
}

TEST_CASE_METHOD(Site,
                 "What goes wrong only after its trial is refused, too, and no request is lost") {
  Installation pool(folder, key, VISITSD);
  const std::string sound = "visits.key = " + sysv::text_of(key);
  const Nginx nginx(folder);
  Tally tally;
  std::atomic<bool> more{true};
  std::jthread load([&] { visit(nginx.url(), Client::Connection::kept, tally, more); });
  const auto make_file = [&] { folder.write("later", "no socket"); };
  const std::string folder_gone = "access.log = " + folder / "gone/log";
  CHECK(pool.is_caught_out(sound, "pm.max_childen = 3"));
  CHECK_THAT(pool.log(), support::contains("reload refused: ") &&
                             support::contains("more.conf:1: pm.max_childen"));
  CHECK(pool.is_caught_out(sound, folder_gone));
  CHECK_THAT(pool.log(), support::contains("gone/: No such file or directory"));
  CHECK(pool.is_caught_out(sound + "\npm.status_listen = " + folder / "later", "", make_file));
  CHECK_THAT(pool.log(), support::contains("something that is not a socket has this name"));
  pool.configure(sound);
  CHECK(pool.reload());
  more = false;
  load.join();
  INFO(pool.log() << nginx.log());
  CHECK(tally.failed == 0);
  CHECK(support::count_at(key) == tally.sent);
  CHECK(occurrences(pool.log(), "reload: executing") == 4);
}

TEST_CASE_METHOD(Site, "An image that runs again needs nothing that is gone meanwhile") {
  Installation pool(folder, key, VISITSD);
  std::filesystem::create_directory(folder / "old");
  folder.write("old/key", "");
  const std::string sound = "visits.key = " + sysv::text_of(key) +
                            "\nvisits.key_file = " + folder / "old/key" +
                            "\naccess.log = " + folder / "old/access.log" +
                            "\nslowlog = " + folder / "old/slow.log" + "\nenv[A] = ${VISITS}";
  const std::string global =
      "[global]\nerror_log = " + folder / "old/error.log" + "\npid = " + folder / "old/visits.pid";
  pool.configure(sound + "\n" + global);
  CHECK(pool.reload());
  const auto move = [&] { std::filesystem::rename(folder / "old", folder / "new"); };
  const std::vector<pid_t> old = pool.children();
  pool.fall_into_ambush(sound, global, move, folder / "old/error.log");
  CHECK(support::eventually([&] { return pool.are_gone(old) && pool.has_workers(); }));
  const os::Descriptor client = support::connection_to(pool.socket());
  support::send(client.get(), support::get_request("/again"));
  CHECK(support::answer_on(client.get()));
  CHECK(support::eventually([&] {
    return occurrences(support::contents_of(folder / "new/access.log"), "GET /again") == 1;
  }));
  CHECK_THAT(support::contents_of(folder / "new/error.log"),
             support::contains("reload refused: ") && support::contains("visits.key_file"));
  CHECK(support::contents_of(folder / "new/visits.pid") == std::to_string(pool.master().pid()));
}

TEST_CASE_METHOD(Site, "An image that runs again is the one that ran, whatever is at its path") {
  Installation pool(folder, key, VISITSD);
  const Nginx nginx(folder);
  const std::string sound = "visits.key = " + sysv::text_of(key);
  pool.install(SLOW_VISITSD);
  CHECK(pool.is_caught_out(sound, "pm = none"));
  CHECK(support::get(nginx.url("/large/3")).body == "1 visits so far");
  CHECK_FALSE(pool.master().has_ended());
  CHECK(support::status_of(pool.master().pid(), "Name") == "visitsd");
  const os::Descriptor page = support::connection_to(folder / "visits-status.sock");
  support::send(page.get(), support::get_request("/metrics"));
  CHECK_THAT(
      support::answer_on(page.get()).value_or("none"),
      support::contains("result=\"refused\"} 1\n") && support::contains("result=\"done\"} 0\n"));
  pool.configure(sound);
  CHECK(pool.reload());
  CHECK(support::get(nginx.url("/large/3")).body == "xxx");
}

TEST_CASE_METHOD(Site, "An image that runs again gives its workers the environment of before") {
  const std::string value = GENERATE("$HOME", "two\nlines");
  Installation pool(folder, key, SLOW_VISITSD, {"env", "HOME=/elsewhere", "CERT=" + value},
                    {"-d", "env[CERT]=$CERT"});
  const auto variable = [&] {
    const os::Descriptor client = support::connection_to(pool.socket());
    support::send(client.get(), support::get_request("/env/CERT"));
    return support::answer_on(client.get()).value_or("none");
  };
  CHECK_THAT(variable(), support::contains(value));
  CHECK(pool.is_caught_out("visits.key = " + sysv::text_of(key), "pm = none"));
  CHECK_THAT(variable(), support::contains(value));
}

TEST_CASE_METHOD(Site,
                 "What fails after its trial leaves address, pid file and limits as they were") {
  Installation pool(folder, key, VISITSD);
  const auto limits = [&] {
    return support::contents_of("/proc/" + std::to_string(pool.master().pid()) + "/limits");
  };
  const std::string limits_before = limits();
  const auto inode = [](const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
  };
  const auto socket_before = inode(pool.socket());
  std::atomic<bool> more{true};
  int refused = 0;
  std::jthread visitor([&] {
    while (more) {
      if (!support::connection_to(pool.socket())) ++refused;
      std::this_thread::sleep_for(100us);
    }
  });
  const std::string sound = "visits.key = " + sysv::text_of(key);
  CHECK(pool.is_caught_out(sound + "\nlisten = " + folder / "new.sock" + "\nlisten.mode = 0600" +
                               "\npm.status_listen = " + folder / "later",
                           "[global]\nrlimit_files = 200\npid = " + folder / "new.pid",
                           [&] { folder.write("later", "no socket"); }));
  more = false;
  visitor.join();
  CHECK(refused == 0);
  CHECK(inode(pool.socket()) == socket_before);
  CHECK(limits() == limits_before);
  CHECK(support::contents_of(folder / "visits.pid") == std::to_string(pool.master().pid()));
  CHECK_FALSE(std::filesystem::exists(folder / "new.sock"));
  CHECK_FALSE(std::filesystem::exists(folder / "new.pid"));
}

TEST_CASE_METHOD(
    Site, "The command in front of a pool is left alone when a reload fails after its trial") {
  Installation pool(folder, key, VISITSD, {}, {"--", "sleep", "1000"});
  const auto front = [&] {
    const std::vector<pid_t> all = pool.children();
    const auto found = std::find_if(all.begin(), all.end(), [](pid_t pid) {
      return support::status_of(pid, "Name") == "sleep";
    });
    return found == all.end() ? 0 : *found;
  };
  const auto times_ready = [&] { return occurrences(pool.log(), "ready to handle"); };
  CHECK(support::eventually([&] { return front() != 0; }));
  const pid_t before = front();
  pool.fall_into_ambush("visits.key = " + sysv::text_of(key), "pm = none", [] {});
  CHECK(support::eventually([&] { return times_ready() == 2; }));
  CHECK(front() == before);
  pool.configure("visits.key = " + sysv::text_of(key));
  pool.master().signal(SIGUSR2);
  CHECK(support::eventually([&] { return times_ready() == 3; }));
  CHECK(front() == before);
  pool.master().signal(SIGTERM);
  CHECK(pool.master().wait() == 0);
}

namespace {

// Leaves that process room for so many descriptors more.
void leave_room(pid_t process, int descriptors) {
  const std::string folder = "/proc/" + std::to_string(process) + "/fd/";
  rlim_t limit = 0;
  for (int room = 0; room < descriptors; ++limit) {
    if (!std::filesystem::is_symlink(folder + std::to_string(limit))) ++room;
  }
  const rlimit files{.rlim_cur = limit, .rlim_max = limit};
  prlimit(process, RLIMIT_NOFILE, &files, nullptr);
}

}  // namespace

TEST_CASE_METHOD(Site, "Where neither image can run, the pool ends once, says why, and is gone") {
  support::Lifeline lifeline;
  Installation pool(folder, key, VISITSD);
  pool.fall_into_ambush("visits.key = " + sysv::text_of(key), "pm = none",
                        [&] { leave_room(pool.master().pid(), 1); });
  CHECK(pool.master().wait() == 78);
  CHECK_THAT(pool.log(),
             support::contains("Too many open files; and a reload had failed before: ") &&
                 support::contains("more.conf:1: pm: "));
  CHECK(lifeline.all_end());
  CHECK_FALSE(std::filesystem::exists(pool.socket()));
  CHECK_FALSE(std::filesystem::exists(folder / "visits-status.sock"));
  CHECK_FALSE(std::filesystem::exists(folder / "visits.pid"));
}

TEST_CASE_METHOD(Site, "Where the image before cannot be executed, the pool ends and is gone") {
  support::Lifeline lifeline;
  Installation pool(folder, key, VISITSD);
  pool.fall_into_ambush(
      "visits.key = " + sysv::text_of(key) + "\npm.status_listen = " + folder / "later", "", [&] {
        folder.write("later", "no socket");
        chmod(pool.path().c_str(), 0600);
      });
  CHECK(pool.master().wait() == 78);
  CHECK_THAT(pool.log(),
             support::contains("something that is not a socket has this name") &&
                 support::contains("; and there is no way back: exec the program before: "));
  CHECK(lifeline.all_end());
  CHECK_FALSE(std::filesystem::exists(pool.socket()));
  CHECK_FALSE(std::filesystem::exists(folder / "visits-status.sock"));
  CHECK_FALSE(std::filesystem::exists(folder / "visits.pid"));
}
