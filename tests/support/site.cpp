#include "support/site.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <regex>
#include <stdexcept>

#include "os/descriptor.hpp"
#include "paths.hpp"
#include "support/child.hpp"
#include "visits/counter.hpp"

namespace support {
namespace {

Words pool_words(const std::string& socket, sysv::Key key, int workers, const Words& more) {
  Words words = {VISITSD, "-F", "-d", "listen=" + socket};
  for (const std::string& directive :
       {"pm.max_children=" + std::to_string(workers), "visits.key=" + sysv::text_of(key)}) {
    words.insert(words.end(), {"-d", directive});
  }
  for (const std::string& directive : more) words.insert(words.end(), {"-d", directive});
  return words;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// One worker is enough; the rest is the conf that is shipped.
std::string nginx_template(const Folder& folder, const std::string& upstreams,
                           const std::string& locations) {
  std::string conf = contents_of(REPOSITORY "/nginx/nginx.conf");
  replace_all(conf, "worker_processes auto;", "worker_processes 1;");
  replace_all(conf, "  upstream visits {", upstreams + "  upstream visits {");
  replace_all(conf, "    location = /healthz", locations + "    location = /healthz");
  return folder.write("nginx.conf.in", conf);
}

Words nginx_words(const Folder& folder, int port, const std::string& conf,
                  const Words& environment) {
  Words words = {"env", "STATE=" + folder.path().string(), "PORT=" + std::to_string(port),
                 "NGINX_USER=root", "TEMPLATE=" + conf};
  words.insert(words.end(), environment.begin(), environment.end());
  words.push_back(REPOSITORY "/nginx/front");
  return words;
}

bool is_attendant(pid_t pid) {
  return contents_of("/proc/" + std::to_string(pid) + "/comm") == "visitsd-status\n";
}

void wait_until(const char* what, Program& program, const std::function<bool()>& claim) {
  const bool held = eventually([&] { return claim() || program.has_ended(); });
  if (!held || program.has_ended()) throw std::runtime_error(what + (": " + program.log()));
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool is_listening_on(int port) {
  const os::Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string fpm_conf(const Folder& folder, int children, const std::string& directives) {
  return folder.write("php-fpm.conf",
                      "[global]\nerror_log = /proc/self/fd/2\ndaemonize = no\n[www]\n"
                      "listen = " +
                          folder / "php.sock" +
                          "\npm = static\npm.max_children = " + std::to_string(children) + "\n" +
                          directives + (geteuid() == 0 ? "user = root\ngroup = root\n" : ""));
}

Words fpm_words(const std::string& conf) {
  Words words = {"sh", "-c", "exec $(ls /usr/sbin/php-fpm* | sort | tail -n 1) -F -y \"$1\" $2",
                 "sh", conf};
  words.push_back(geteuid() == 0 ? "-R" : "-F");
  return words;
}

}  // namespace

std::vector<pid_t> workers_of(pid_t master) {
  std::vector<pid_t> workers = children_of(master);
  workers.erase(std::remove_if(workers.begin(), workers.end(), is_attendant), workers.end());
  return workers;
}

Pool::Pool(const Folder& folder, sysv::Key key, int workers, const Words& more_directives)
    : size_(workers),
      socket_(folder / "visits.sock"),
      program_(pool_words(socket_, key, workers, more_directives), folder / "visitsd.log") {
  wait_until("visitsd", program_, [this] { return is_listening(socket_); });
  wait_for_workers();
}

void Pool::wait_for_workers() const {
  eventually([this] { return attendant() != 0 && static_cast<int>(workers().size()) == size_; });
}

pid_t Pool::attendant() const {
  for (const pid_t child : children_of(program_.pid())) {
    if (is_attendant(child)) return child;
  }
  return 0;
}

Nginx::Nginx(const Folder& folder, const std::string& upstreams, const std::string& locations,
             const Words& environment)
    : port_(free_port()),
      program_(
          nginx_words(folder, port_, nginx_template(folder, upstreams, locations), environment),
          folder / "nginx.log") {
  wait_until("nginx", program_, [this] { return is_listening_on(port_); });
}

std::string Nginx::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

PhpFpm::PhpFpm(const Folder& folder, int children, const std::string& directives)
    : program_(fpm_words(fpm_conf(folder, children, directives)), folder / "php-fpm.log") {
  wait_until("php-fpm", program_, [&] { return is_listening(folder / "php.sock"); });
}

std::string PhpFpm::params(const std::string& page) {
  return "fastcgi_next_upstream off; fastcgi_param SCRIPT_FILENAME " + page +
         "; fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri; ";
}

std::string tutorial_page(sysv::Key key) {
  return "<?php\n$key = " + std::to_string(static_cast<int>(key)) + R"(;
$semid = sem_get($key);
sem_acquire($semid);
$id = shm_attach($key);
if (shm_has_var($id, 0)) {
    $count = shm_get_var($id, 0) + 1;
} else {
    $count = 1;
}
shm_put_var($id, 0, $count);
shm_detach($id);
sem_release($semid);
echo sprintf("%d visits so far", $count);
)";
}

std::string php(const std::string& code) {
  const Result result = run({"php", "-d", "display_errors=stderr", "-r", code});
  if (result.code != 0 || result.text.find("Warning") != std::string::npos) {
    throw std::runtime_error("php: " + result.text);
  }
  return result.text;
}

Load ab(const Words& options, const std::string& url) {
  Words words = {"ab", "-q", "-l"};
  words.insert(words.end(), options.begin(), options.end());
  words.push_back(url);
  const std::string text = run(words).text;
  const auto figure = [&](const std::string& label) {
    std::smatch match;
    const bool found = std::regex_search(text, match, std::regex(label + ": +([0-9]+)"));
    return found ? std::stoi(match[1]) : 0;
  };
  return {.complete = figure("Complete requests"),
          .failed = figure("Failed requests"),
          .non_2xx = figure("Non-2xx responses")};
}

int free_port() {
  const os::Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::int64_t count_at(sysv::Key key) {
  return visits::Counter({.key = key}, [](const std::string&) {}).count();
}

bool is_listening(const std::string& socket_path) {
  const os::Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace support
