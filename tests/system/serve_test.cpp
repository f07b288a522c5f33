#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/lifeline.hpp"
#include "support/site.hpp"

namespace {

// The command that a person types, with a port and a folder of the test's own.
struct Served {
  support::Folder folder;
  int port = support::free_port();
  std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";

  Served() { folder.write("key", ""); }

  // The segment and the set stay when the command has ended: it goes on counting next time.
  ~Served() {
    const std::string key = sysv::text_of(sysv::key_of_file(folder / "key"));
    support::run({"ipcrm", "-M", key, "-S", key});
  }

  support::Words command() const {
    return {"env", "PORT=" + std::to_string(port), "STATE=" + folder.path().string(),
            REPOSITORY "/nginx/serve"};
  }

  bool is_up() const { return support::get(url + "healthz").status == 200; }
};

}  // namespace

TEST_CASE_METHOD(Served, "The tutorial's walk: a hundred visits by ab, and the next is the 101st") {
  support::Program serve(command(), folder / "serve.log");
  REQUIRE(support::eventually([&] { return is_up(); }));
  const support::Load load = support::ab({"-n100", "-c10"}, url);
  CHECK(load.complete == 100);
  CHECK(load.failed + load.non_2xx == 0);
  const support::Answer next = support::get(url);
  CHECK(next.body == "101 visits so far");
  CHECK_THAT(next.headers, support::contains("Content-Type: text/html; charset=UTF-8\r\n"));
  CHECK_THAT(next.headers, support::contains("Cache-Control: no-store\r\n"));
  CHECK(
      support::eventually([&] { return serve.log().find("serving " + url) != std::string::npos; }));
}

TEST_CASE_METHOD(Served, "TERM and Ctrl-C drain and exit 0, and the next start counts on") {
  for (const int signal : {SIGTERM, SIGINT}) {
    CAPTURE(signal);
    support::Lifeline lifeline;
    support::Program serve(command(), folder / "serve.log");
    REQUIRE(support::eventually([&] { return is_up(); }));
    CHECK(support::get(url).body ==
          (signal == SIGTERM ? "1" : "2") + std::string(" visits so far"));
    serve.signal(signal);
    CHECK(serve.wait() == 0);
    CHECK(lifeline.all_end());
    CHECK_FALSE(is_up());
    CHECK(access((folder / "visits.sock").c_str(), F_OK) == -1);
  }
}

TEST_CASE_METHOD(Served, "A second start says in one line that one runs, and harms nothing") {
  support::Program serve(command(), folder / "serve.log");
  REQUIRE(support::eventually([&] { return is_up(); }));
  const support::Result second = support::run(command());
  CHECK(second.code != 0);
  CHECK(second.text ==
        "serve: already running: " + url + " (process " + std::to_string(serve.pid()) + ")\n");
  CHECK(support::get(url).body == "1 visits so far");
}

TEST_CASE_METHOD(Served, "A port that another program has is said in one line") {
  const support::Folder elsewhere;
  support::Program serve(command(), folder / "serve.log");
  REQUIRE(support::eventually([&] { return is_up(); }));
  const support::Result second =
      support::run({"env", "PORT=" + std::to_string(port), "STATE=" + elsewhere.path().string(),
                    REPOSITORY "/nginx/serve"});
  CHECK(second.code != 0);
  CHECK_THAT(second.text, support::contains("port " + std::to_string(port) + " is taken"));
  CHECK(is_up());
}

TEST_CASE(
    "A folder with a space and an ampersand in its name, and a strict umask, serve all the same") {
  const support::Folder parent;
  Served served;
  const std::string state = parent / "a folder & more";
  std::filesystem::create_directory(state);
  std::ofstream(state + "/key");
  support::Program serve({"sh", "-c",
                          "umask 077; exec env PORT=" + std::to_string(served.port) +
                              " STATE=\"$1\" " REPOSITORY "/nginx/serve",
                          "sh", state},
                         parent / "serve.log");
  REQUIRE(support::eventually([&] { return served.is_up(); }));
  CHECK(support::get(served.url).body == "1 visits so far");
  serve.signal(SIGTERM);
  CHECK(serve.wait() == 0);
  const std::string key = sysv::text_of(sysv::key_of_file(state + "/key"));
  support::run({"ipcrm", "-M", key, "-S", key});
}

TEST_CASE_METHOD(Served, "When the script is killed, pool and nginx end with it") {
  pid_t pool = 0;
  {
    support::Program serve(command(), folder / "serve.log");
    REQUIRE(support::eventually([&] { return is_up(); }));
    pool = support::children_of(serve.pid()).front();
    serve.signal(SIGKILL);
    serve.wait();
  }
  CHECK(support::eventually([&] { return kill(pool, 0) == -1; }));
  CHECK(support::eventually([&] { return !is_up(); }));
}
