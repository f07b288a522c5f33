#include "support/contender.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <regex>
#include <stdexcept>

#include "paths.hpp"
#include "support/child.hpp"
#include "support/site.hpp"

namespace support {
namespace {

using Clock = std::chrono::steady_clock;

std::string lines_of(const Words& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string page(const ScratchKey& key) {
  const std::string tutorial = tutorial_page(key.get());
  return "<?php\nif (preg_match('#^/sleep/([0-9]+)#', $_SERVER['REQUEST_URI'], $m)) "
         "for ($end = microtime(true) + $m[1] / 1000; microtime(true) < $end;) usleep(10000);\n" +
         tutorial.substr(tutorial.find('\n') + 1);
}

std::chrono::milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

}  // namespace

Contender::Contender(Kind kind, Setup setup)
    : kind_(kind),
      port_(free_port()),
      configuration_(write_configuration("pool.conf", socket(), setup.global, setup.pool)) {
  folder_.write("page.php", page(key_));
  master_ = std::make_unique<Program>(command(configuration_), folder_ / "pool.log");
  if (!eventually([&] { return is_listening(socket()); })) {
    throw std::runtime_error(name() + " does not start: " + master_->log());
  }
  nginx_ =
      std::make_unique<Program>(Words{"nginx", "-p", folder_.path().string(), "-e", "stderr", "-c",
                                      folder_.write("nginx.conf", nginx_configuration(setup.keep))},
                                folder_ / "nginx.log");
  if (!eventually([&] { return get(url()).status == 200; })) {
    throw std::runtime_error(name() + " does not answer: " + master_->log() + nginx_->log());
  }
}

Contender::~Contender() {
  const std::vector<pid_t> children = children_of(master_->pid());
  nginx_.reset();
  master_.reset();
  for (const pid_t child : children) kill(child, SIGKILL);
}

std::string Contender::write_configuration(const std::string& name, const std::string& listen,
                                           const Words& global, const Words& pool) const {
  const bool root = geteuid() == 0;
  const bool ours = kind_ == Kind::visits;
  return folder_.write(
      name,
      "[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n" + lines_of(global) +
          "[www]\nlisten = " + listen + "\npm = static\npm.status_path = /status\n" +
          "pm.status_listen = " + listen + ".status\nping.path = /ping\n" +
          (root ? "user = root\ngroup = root\n" : "") +
          (ours ? "visits.key = " +
                      std::to_string(listen == socket() ? key_.number() : another_key_.number()) +
                      "\n"
                : "") +
          lines_of(pool));
}

Words Contender::command(const std::string& configuration) const {
  if (kind_ == Kind::visits) return {SLOW_VISITSD, "-F", "-R", "-y", configuration};
  return {"sh", "-c", "exec $(ls /usr/sbin/php-fpm* | sort | tail -n 1) -F -R -y \"$1\"", "sh",
          configuration};
}

// php-fpm answers pings in its workers, whatever pm.status_listen says.
std::string Contender::nginx_configuration(bool keep) const {
  const std::string pass =
      "fastcgi_next_upstream off; fastcgi_read_timeout 30s;"
      "fastcgi_param SCRIPT_FILENAME " +
      folder_ / "page.php" +
      "; fastcgi_param SCRIPT_NAME $document_uri;"
      "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;"
      "fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_LENGTH $content_length;"
      "fastcgi_param CONTENT_TYPE $content_type;";
  const std::string status = "fastcgi_pass unix:" + socket() + ".status;" + pass;
  const std::string ping = kind_ == Kind::visits ? status : "fastcgi_pass pool;" + pass;
  const std::string at = folder_.path().string();
  return "daemon off; worker_processes 1; error_log stderr crit; pid " + at + "/nginx.pid;" +
         (geteuid() == 0 ? "user root;" : "") +
         "events { worker_connections 1024; } http { access_log off;"
         "client_body_temp_path " +
         at + "/body; fastcgi_temp_path " + at +
         "/fastcgi;"
         "proxy_temp_path " +
         at + "/proxy; scgi_temp_path " + at + "/scgi; uwsgi_temp_path " + at +
         "/uwsgi;"
         "upstream pool { server unix:" +
         socket() + ";" + (keep ? "keepalive 32;" : "") +
         "}"
         "server { listen 127.0.0.1:" +
         std::to_string(port_) + ";" + "location / { fastcgi_pass pool; fastcgi_keep_conn " +
         (keep ? "on;" : "off;") + pass + "}" + "location = /status {" + status +
         "} location = /ping {" + ping + "} } }";
}

std::string Contender::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<pid_t> Contender::workers() const {
  const std::string page = get(url("/status?json&full")).body;
  std::vector<pid_t> pids;
  const std::regex pid("\"pid\": *([0-9]+)");
  for (std::sregex_iterator at(page.begin(), page.end(), pid), end; at != end; ++at) {
    pids.push_back(std::stoi((*at)[1]));
  }
  return pids;
}

std::int64_t Contender::status(const std::string& field) const {
  const std::string page = get(url("/status?json")).body;
  std::smatch match;
  if (!std::regex_search(page, match, std::regex("\"" + field + "\": *([0-9]+)"))) return -1;
  return std::stoll(match[1]);
}

std::int64_t Contender::executed() const { return count_at(key_.get()); }

std::unique_ptr<Program> Contender::another(const Words& global) {
  const std::string configuration = write_configuration("another.conf", folder_ / "another.sock",
                                                        global, {"pm.max_children = 1"});
  return std::make_unique<Program>(command(configuration), folder_ / "another.log");
}

void Contender::break_configuration() {
  folder_.write("pool.conf", contents_of(configuration_) + "pm.max_childen = 4\n");
}

Timed timed_get(const std::string& url, std::chrono::milliseconds patience) {
  const auto begin = Clock::now();
  Client client(Client::Connection::closed_each_time);
  client.limit(patience);
  Answer answer = client.get(url);
  return {std::move(answer), since(begin)};
}

std::vector<Timed> at_once(int visitors, const std::string& url,
                           std::chrono::milliseconds patience) {
  std::vector<Timed> answers(static_cast<std::size_t>(visitors));
  std::vector<std::thread> threads;
  for (Timed& answer : answers) {
    threads.emplace_back([&] { answer = timed_get(url, patience); });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

struct Crowd::Shared {
  std::atomic<bool> ends{false};
  std::atomic<int> sent{0};
  std::atomic<int> failed{0};
  std::atomic<std::int64_t> longest{0};
};

Crowd::Crowd(int visitors, std::string url, Method method) : shared_(std::make_shared<Shared>()) {
  for (int i = 0; i < visitors; ++i) {
    visitors_.emplace_back([shared = shared_, url, method] {
      Client client;
      client.limit(std::chrono::seconds(5));
      while (!shared->ends) {
        const auto begin = Clock::now();
        ++shared->sent;
        const Answer answer = method == Method::get ? client.get(url) : client.post(url, "visit=1");
        if (answer.status != 200) ++shared->failed;
        const std::int64_t took = since(begin).count();
        std::int64_t longest = shared->longest;
        while (took > longest && !shared->longest.compare_exchange_weak(longest, took)) {
        }
      }
    });
  }
}

Crowd::~Crowd() { end(); }

Crowd::Outcome Crowd::end() {
  shared_->ends = true;
  for (std::thread& visitor : visitors_) visitor.join();
  visitors_.clear();
  return {shared_->sent, shared_->failed, std::chrono::milliseconds(shared_->longest)};
}

}  // namespace support
