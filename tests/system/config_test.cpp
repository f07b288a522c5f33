#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/site.hpp"

using support::run;

namespace {

struct Files : support::Scratch {
  support::Folder folder;

  std::string socket() const { return folder / "visits.sock"; }

  // Debian's own pool file, with nothing changed but the path of its socket.
  std::string debian_pool() const {
    const auto files = std::filesystem::directory_iterator("/etc/php");
    for (const auto& version : files) {
      std::string text = support::contents_of(version.path() / "fpm/pool.d/www.conf");
      if (text.empty()) continue;
      const auto line = text.find("\nlisten = ");
      REQUIRE(line != std::string::npos);
      text.replace(line, text.find('\n', line + 1) - line, "\nlisten = " + socket());
      return text;
    }
    throw std::runtime_error("php-fpm is not installed");
  }

  std::string key_word() const { return "visits.key=" + sysv::text_of(key); }

  // What -t says of a file with that text.
  support::Result tested(const std::string& text) const {
    return run({VISITSD, "-t", "-y", folder.write("a.conf", text)});
  }

  std::string listing() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    std::string all;
    for (const std::string& name : names) all += name + "\n";
    return all;
  }
};

}  // namespace

TEST_CASE_METHOD(Files, "Debian's own pool file, with its path changed, is sound and serves") {
  const std::string file = folder.write("www.conf", debian_pool());
  const support::Result result = run({VISITSD, "-t", "-y", file});
  CHECK(result.code == 0);
  CHECK_THAT(result.text,
             support::contains("NOTICE: configuration file " + file + " test is successful\n"));

  support::Program program({VISITSD, "-F", "-y", file, "-d", key_word(), "-d", "user=root", "-R"},
                           folder / "log");
  REQUIRE(support::eventually([&] { return support::is_listening(socket()); }));
  const support::Nginx nginx(folder);
  CHECK(support::get(nginx.url()).body == "1 visits so far");
}

TEST_CASE_METHOD(Files, "What -tt prints makes -tt print the same") {
  const std::string file = folder.write("www.conf", debian_pool());
  const std::string first = folder / "first";
  const std::string second = folder / "second";
  CHECK(run({"sh", "-c", VISITSD " -tt -y " + file + " >" + first}).code == 0);
  CHECK(run({"sh", "-c", VISITSD " -tt -y " + first + " >" + second}).code == 0);
  CHECK(support::contents_of(first) == support::contents_of(second));
  CHECK_THAT(support::contents_of(first), support::contains("\tlisten = " + socket() + "\n"));
}

TEST_CASE_METHOD(Files, "A mistake in a file is exit code 78 and exactly one line") {
  const std::string a = folder / "a.conf";
  for (const auto& [text, line] : std::vector<std::pair<std::string, std::string>>{
           {"[www]\nuser = nobody\npm.max_childern = 3\n",
            a + ":3: pm.max_childern: there is no directive pm.max_childern, did you mean "
                "pm.max_children?"},
           {"[www]\nphp_admin_value[memory_limit] = 32M\n",
            a + ":2: php_admin_value[memory_limit]: no PHP runs here; remove the line"},
           {"[www]\nuser = nobody-at-all\n", a + ":2: user: no user is called nobody-at-all"},
           {"[www]\nuser = nobody\npm = dynamic\npm.max_children = 2\npm.max_spare_servers = 3\n",
            a + ":5: pm.max_spare_servers: these are more than pm.max_children, which is 2"},
           {"[www]\nuser = nobody\n[b]\n",
            a + ":3: [b]: a second pool, after [www] of " + a +
                ":1; one visitsd runs one pool, start another for it"},
           {"[www]\nuser = nobody\nlisten\n", a + ":3: this is neither [section] nor name = value"},
           {"[www]\nuser = nobody\nping.path = /status\n",
            a + ":3: ping.path: this is the path of pm.status_path, too; each page needs its own"},
       }) {
    const support::Result result = tested(text);
    CHECK(result.code == 78);
    CHECK(result.text == "visitsd: " + line + "\n");
  }
  const support::Result missing = run({VISITSD, "-t", "-y", folder / "none"});
  CHECK(missing.code == 78);
  CHECK(missing.text == "visitsd: " + folder / "none" + ": No such file or directory\n");
  const support::Result word = run({VISITSD, "-t", "-d", "listen=x"});
  CHECK(word.code == 78);
  CHECK(word.text == "visitsd: -d listen=x: not a /path, IPv4:port, [IPv6]:port or port\n");
}

TEST_CASE_METHOD(Files, "A test of the configuration touches nothing") {
  const std::string file = folder.write(
      "a.conf", "[global]\npid = " + folder / "v.pid" + "\nerror_log = " + folder / "v.log" +
                    "\n[www]\nuser = nobody\nlisten = " + socket() + "\naccess.log = " +
                    folder / "a.log" + "\nslowlog = " + folder / "s.log" + "\n");
  const std::string files = listing();
  CHECK(run({VISITSD, "-t", "-y", file, "-d", key_word()}).code == 0);
  CHECK(
      run({VISITSD, "-tt", "-y", file, "-d", key_word(), "-d", "visits.events=0x51f51f51"}).code ==
      0);
  CHECK(listing() == files);
  const std::string objects = run({"ipcs"}).text;
  CHECK(objects.find(sysv::text_of(key)) == std::string::npos);
  CHECK(objects.find("0x51f51f51") == std::string::npos);
}

TEST_CASE_METHOD(Files, "Root has to name a user in a file, or to say -R") {
  if (support::lacks_root()) return;
  const std::string file = folder.write("a.conf", "[www]\nlisten = " + socket() + "\n");
  const support::Result refused = run({VISITSD, "-F", "-y", file});
  CHECK(refused.code == 78);
  CHECK(refused.text ==
        "visitsd: " + file + ":1: user: workers would be root; name another user, or say -R\n");
  support::Program allowed({VISITSD, "-F", "-R", "-y", file, "-d", key_word()}, folder / "log");
  REQUIRE(support::eventually([&] { return support::is_listening(socket()); }));
  CHECK_THAT(allowed.log(), support::contains("WARNING: workers run as root"));
}

TEST_CASE_METHOD(Files, "Without -F the command returns when the pool serves, with 0") {
  const support::Words words = {VISITSD, "-d", "listen=" + socket(), "-d", key_word()};
  const support::Result result = run(words);
  CHECK(result.code == 0);
  CHECK(support::is_listening(socket()));

  const support::Result second = run(words);
  CHECK(second.code == 70);
  CHECK_THAT(second.text, support::contains("in use by another pool"));

  const std::string masters = run({"pgrep", "-f", socket()}).text;
  const pid_t master = std::stoi(masters);
  CHECK(support::workers_of(master).size() == 4);
  kill(master, SIGTERM);
  CHECK(support::eventually([&] { return access(socket().c_str(), F_OK) == -1; }));
  CHECK(support::eventually([&] { return kill(master, 0) == -1; }));
}
