#include <filesystem>
#include <fstream>
#include <string>

#include "paths.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/client.hpp"
#include "support/scratch.hpp"
#include "support/site.hpp"

using support::eventually;
using support::get;

namespace {

// A static site with a configuration of its own, and what it takes from nginx/snippets in it.
struct Site : support::Scratch {
  support::Folder folder;
  int port = support::free_port();
  std::string url = "http://127.0.0.1:" + std::to_string(port);

  Site() {
    std::filesystem::create_directory(folder / "www");
    std::filesystem::create_directory(folder / "www/sub");
    for (const std::string page : {"index.html", "other.html", "sub/index.html", "style.css"}) {
      folder.write("www/" + page, "the page " + page + "\n");
    }
    std::filesystem::copy(REPOSITORY "/nginx/snippets", folder / "snippets");
    std::string upstream = support::contents_of(folder / "snippets/upstream.conf");
    const std::string shipped = "/run/visits.sock";
    upstream.replace(upstream.find(shipped), shipped.size(), folder / "visits.sock");
    folder.write("snippets/upstream.conf", upstream);
  }

  support::Program serving(const std::string& in_server) const {
    const std::string conf =
        "daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;\n" +
        std::string(geteuid() == 0 ? "user root;\n" : "") +
        "events {}\nhttp {\naccess_log off; include snippets/upstream.conf;\n" +
        "types { text/html html; text/css css; }\n" +
        "client_body_temp_path body; fastcgi_temp_path f; proxy_temp_path p; scgi_temp_path s;\n" +
        "uwsgi_temp_path u;\nserver {\nlisten 127.0.0.1:" + std::to_string(port) + ";\nroot " +
        folder / "www" + ";\n" + in_server + "}\n}\n";
    return support::Program({"nginx", "-p", folder.path().string(), "-e", "stderr", "-c",
                             folder.write("nginx.conf", conf)},
                            folder / "nginx.log");
  }

  bool is_up() const {
    return eventually([&] { return get(url + "/style.css").status == 200; });
  }
};

}  // namespace

TEST_CASE_METHOD(Site, "count.conf serves the number at a path of an existing site") {
  const support::Pool pool(folder, key, 2);
  const auto nginx = serving("location = /visits { include snippets/count.conf; }\n");
  REQUIRE(is_up());
  CHECK(get(url + "/").body == "the page index.html\n");
  CHECK(get(url + "/visits").body == "1 visits so far");
  CHECK(get(url + "/visits").body == "2 visits so far");
  CHECK(support::count_at(key) == 2);
}

// One connection: nginx takes the next request of it when the copy of the one before has come back.
TEST_CASE_METHOD(Site, "mirror.conf counts each page of a static site once, and nothing else") {
  const support::Pool pool(folder, key, 2);
  const auto nginx = serving(
      "include snippets/mirror.conf;\nlocation = /visits { include snippets/count.conf; }\n");
  REQUIRE(is_up());
  support::Client client;
  CHECK(client.get(url + "/").body == "the page index.html\n");
  CHECK(client.get(url + "/other.html?a=b").body == "the page other.html\n");
  CHECK(client.get(url + "/sub/").body == "the page sub/index.html\n");
  CHECK(client.get(url + "/visits").body == "4 visits so far");
  CHECK(client.get(url + "/style.css").status == 200);
  CHECK(client.get(url + "/missing.html").status == 404);
  CHECK(client.get(url + "/missing/").status == 404);
  CHECK(client.get(url + "/.visit").status == 404);
  CHECK(client.get(url + "/visits").body == "5 visits so far");
}

TEST_CASE_METHOD(Site, "With mirror.conf a page is served though no pool is there") {
  const auto nginx = serving("include snippets/mirror.conf;\n");
  REQUIRE(is_up());
  CHECK(get(url + "/other.html").body == "the page other.html\n");
  CHECK(get(url + "/").status == 200);
}

TEST_CASE_METHOD(Site, "ssi.conf shows the number in a page, which is one visit") {
  folder.write("www/shown.html", "<p><!--# include virtual=\"/.visits\" --></p>\n");
  const support::Pool pool(folder, key, 2);
  const auto nginx = serving("include snippets/ssi.conf;\n");
  REQUIRE(is_up());
  CHECK(get(url + "/shown.html").body == "<p>1 visits so far</p>\n");
  CHECK(get(url + "/shown.html").body == "<p>2 visits so far</p>\n");
  CHECK(get(url + "/.visits").status == 404);
  CHECK(get(url + "/other.html").body == "the page other.html\n");
  CHECK(support::count_at(key) == 2);
}
