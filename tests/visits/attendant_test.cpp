#include "visits/attendant.hpp"

#include <string>

#include "os/listener.hpp"
#include "support/catch.hpp"
#include "support/connection.hpp"
#include "support/folder.hpp"

namespace {

struct Desk {
  support::Folder folder;
  os::Listener listener{{.address = folder / "visits.sock"}};
  prefork::Scoreboard scoreboard{2};
  visits::Statistics statistics{2};
  visits::Attendant::Settings settings{.version = "1.2.3"};

  http::Response get(std::string_view target) {
    visits::Attendant attendant({scoreboard, statistics, listener.fd()}, {.name = "www"}, settings);
    return attendant.answer({.method = "GET", .target = target});
  }
};

}  // namespace

TEST_CASE_METHOD(Desk, "Each format of the status page is what the query asks for") {
  struct Case {
    const char* query;
    const char* type;
    const char* beginning;
  };
  for (const auto& [query, type, beginning] : {
           Case{"", "text/plain;charset=UTF-8", "pool:  "},
           Case{"?", "text/plain;charset=UTF-8", "pool:  "},
           Case{"?jsonp&ful&&=x&", "text/plain;charset=UTF-8", "pool:  "},
           Case{"?json", "application/json", "{\"pool\":\"www\""},
           Case{"?x=1&json=&y", "application/json", "{\"pool\":\"www\""},
           Case{"?xml", "text/xml;charset=UTF-8", "<?xml "},
           Case{"?html", "text/html;charset=UTF-8", "<!DOCTYPE "},
           Case{"?json&xml&html", "text/html;charset=UTF-8", "<!DOCTYPE "},
           Case{"?openmetrics", "application/openmetrics-text; version=1.0.0; charset=utf-8",
                "# HELP phpfpm_up "},
       }) {
    CAPTURE(query);
    const std::string target = std::string("/status") + query;
    const http::Response response = get(target);
    CHECK(response.status == 200);
    CHECK(response.content_type == type);
    CHECK(response.body.starts_with(beginning));
  }
}

TEST_CASE_METHOD(Desk, "A full page has the workers, and the others have not") {
  scoreboard[0].stage = prefork::Slot::Stage::idle;
  for (const std::string format : {"", "json", "xml", "html"}) {
    CAPTURE(format);
    CHECK_THAT(get("/status?" + format).body, !support::contains("Idle"));
    CHECK_THAT(get("/status?full&" + format).body, support::contains("Idle"));
    CHECK_THAT(get("/status?" + format + "&full=1").body, support::contains("Idle"));
  }
}

TEST_CASE_METHOD(Desk, "Status, ping and metrics are kept in no cache") {
  for (const char* target : {"/status", "/ping", "/metrics"}) {
    CHECK(get(target).caching ==
          "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
          "Cache-Control: no-cache, no-store, must-revalidate, max-age=0");
  }
}

TEST_CASE_METHOD(Desk, "A ping answers what it is told to") {
  settings.ping_path = "/are/you/there";
  settings.ping_response = "yes";
  CHECK(get("/are/you/there?x").body == "yes");
  CHECK(get("/are/you/there").content_type == "text/plain;charset=UTF-8");
  CHECK(get("/ping").status == 404);
}

TEST_CASE_METHOD(Desk, "The metrics say what runs") {
  CHECK_THAT(get("/metrics").body,
             support::contains("visits_build_info{pool=\"www\",version=\"1.2.3\"} 1\n"));
}

TEST_CASE_METHOD(Desk, "A page whose path is empty is none, and neither is any other path") {
  settings.status_path = "";
  for (const char* target : {"", "?json", "/", "/status", "/ping/", "/metrics/x"}) {
    CHECK(get(target).status == 404);
  }
}

TEST_CASE_METHOD(Desk, "The pages show the queue of the workers' socket") {
  const auto one = support::connection_to(listener.fd());
  const auto other = support::connection_to(listener.fd());
  CHECK_THAT(get("/status").body, support::contains("\nlisten queue:         2\n"));
  CHECK_THAT(get("/metrics").body, support::contains("\nvisits_queue_length{pool=\"www\"} 2\n"));
}
