#include "cli/refusals.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <vector>

#include "cli/directives.hpp"

namespace cli {
namespace {

struct Refusal {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view no_php = "no PHP runs here; remove the line";
constexpr std::string_view no_acl =
    "access control lists are not set here; listen.owner, listen.group and listen.mode are";

constexpr std::array<Refusal, 11> refusals = {{
    {"php_value", no_php},
    {"php_flag", no_php},
    {"php_admin_value", no_php},
    {"php_admin_flag", no_php},
    {"php_values", no_php},
    {"php_admin_values", no_php},
    {"security.limit_extensions", "no script is run here, whatever its name; remove the line"},
    {"request_slowlog_trace_depth",
     "a slow request is logged without a PHP trace; remove the line"},
    {"apparmor_hat", "workers change no AppArmor hat; visits.seccomp confines them"},
    {"listen.acl_users", no_acl},
    {"listen.acl_groups", no_acl},
}};

// Levenshtein's: how many bytes are to be put in, taken out or changed.
std::size_t distance(const std::string& from, const std::string& to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t change = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> why_refused(const std::string& name) {
  const std::string base = name.substr(0, name.find('['));
  const auto found = std::find_if(refusals.begin(), refusals.end(),
                                  [&](const Refusal& refusal) { return refusal.name == base; });
  if (found == refusals.end()) return std::nullopt;
  return std::string(found->why);
}

std::optional<std::string> nearest_name(const std::string& name) {
  if (name.empty() || name.size() > 60) return std::nullopt;
  std::optional<std::string> nearest;
  std::size_t least = std::min(name.size() / 2, std::max<std::size_t>(2, name.size() / 3)) + 1;
  for (const Directive& directive : directives()) {
    const bool begins_so = name.size() > 3 && directive.name.starts_with(name);
    const std::size_t away = begins_so ? 1 : distance(name, directive.name);
    if (away >= least) continue;
    least = away;
    nearest = directive.name;
  }
  return nearest;
}

}  // namespace cli
