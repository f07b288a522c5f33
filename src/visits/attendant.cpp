#include "visits/attendant.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "visits/view/html.hpp"
#include "visits/view/json.hpp"
#include "visits/view/openmetrics.hpp"
#include "visits/view/text.hpp"
#include "visits/view/xml.hpp"

namespace visits {
namespace {

// php-fpm's, byte for byte.
constexpr std::string_view plain = "text/plain;charset=UTF-8";
constexpr std::string_view never_cached =
    "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "Cache-Control: no-cache, no-store, must-revalidate, max-age=0";
constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Whether the query has that name, with a value or without.
bool asks_for(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.substr(0, pair.find('=')) == name) return true;
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return false;
}

http::Response page(std::string_view type, std::string body) {
  return {.content_type = type, .body = std::move(body), .caching = never_cached};
}

std::string_view query_of(const http::Request& request) {
  const auto mark = request.target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : request.target.substr(mark + 1);
}

bool is(const std::string& page, std::string_view path) { return !page.empty() && page == path; }

}  // namespace

// tzset: so that no page has to look for the time zone's file.
Attendant::Attendant(Sources sources, prefork::Limits limits, Settings settings)
    : sources_(sources),
      limits_(std::move(limits)),
      settings_(std::move(settings)),
      gauge_(sources.listen_fd),
      metrics_(settings_.version) {
  tzset();
}

http::Response Attendant::answer(const http::Request& request) {
  const std::string_view path = request.path();
  if (is(settings_.ping_path, path)) return page(plain, settings_.ping_response);
  if (is(settings_.status_path, path)) return status(query_of(request));
  if (is(settings_.metrics_path, path)) {
    return page(openmetrics_type, metrics_.page(snapshot(view::Detail::pool)));
  }
  return {.status = 404, .content_type = plain, .body = "not found\n"};
}

// In php-fpm's order: of two formats the first one wins.
http::Response Attendant::status(std::string_view query) {
  struct Format {
    std::string_view name;
    std::string_view type;
    std::string (*view)(const view::Snapshot&, view::Detail);
  };
  constexpr std::array<Format, 3> formats = {{{"html", "text/html;charset=UTF-8", view::html},
                                              {"xml", "text/xml;charset=UTF-8", view::xml},
                                              {"json", "application/json", view::json}}};
  const auto detail = asks_for(query, "full") ? view::Detail::full : view::Detail::pool;
  for (const auto& [name, type, view] : formats) {
    if (asks_for(query, name)) return page(type, view(snapshot(detail), detail));
  }
  if (asks_for(query, "openmetrics"))
    return page(openmetrics_type, view::openmetrics(snapshot(view::Detail::pool)));
  return page(plain, view::text(snapshot(detail), detail));
}

view::Snapshot Attendant::snapshot(view::Detail detail) {
  return view::snapshot_of(sources_.scoreboard, sources_.statistics, limits_, gauge_.read(),
                           view::Moment::now(), detail);
}

}  // namespace visits
