#include "ctl/program.hpp"

#include <array>
#include <ostream>
#include <system_error>

#include "ctl/editing.hpp"
#include "ctl/inspection.hpp"
#include "ctl/manual.hpp"
#include "ctl/messages.hpp"
#include "ctl/removal.hpp"
#include "ctl/repair.hpp"
#include "ctl/watch.hpp"
#include "sysv/error.hpp"
#include "sysv/variables.hpp"

namespace ctl {
namespace {

using Verb = Exit (*)(const Arguments&, const Console&);

struct NamedVerb {
  std::string_view name;
  Verb verb;
};

// In the order of the manual, which has a page for each.
constexpr std::array<NamedVerb, 11> verbs = {{{"list", list},
                                              {"show", show},
                                              {"get", get},
                                              {"put", put},
                                              {"remove", remove},
                                              {"check", check},
                                              {"repair", repair},
                                              {"watch", watch},
                                              {"send", send},
                                              {"receive", receive},
                                              {"rm", rm}}};

Verb verb_called(std::string_view name) {
  for (const NamedVerb& named : verbs) {
    if (named.name == name) return named.verb;
  }
  return nullptr;
}

bool is_help(const std::string& word) { return word == "--help" || word == "-h"; }

Exit run_ipc(std::span<const std::string> words, const Console& console) {
  if (words.empty()) throw Failure(Exit::usage, "which verb? See visitsctl ipc --help");
  if (is_help(words.front())) {
    console.tell_line(help_on_ipc());
    return Exit::done;
  }
  const Verb verb = verb_called(words.front());
  const Page* const page = page_of(words.front());
  if (!verb || !page) {
    throw Failure(Exit::usage,
                  "there is no verb \"" + words.front() + "\"; see visitsctl ipc --help");
  }
  const Arguments arguments(*page, words.subspan(1));
  if (!arguments.wants_help()) return verb(arguments, console);
  console.tell_line(help_on(*page));
  return Exit::done;
}

Exit run_group(std::span<const std::string> words, const Console& console,
               const std::string& version) {
  if (words.empty()) throw Failure(Exit::usage, "what is to be done? See visitsctl --help");
  if (words.front() == "ipc") return run_ipc(words.subspan(1), console);
  if (words.front() == "--version" || words.front() == "-v") {
    console.tell_line("visitsctl " + version);
    return Exit::done;
  }
  if (!is_help(words.front())) {
    throw Failure(Exit::usage,
                  "\"" + words.front() + "\" is nothing it could do; see visitsctl --help");
  }
  console.tell_line(help());
  return Exit::done;
}

bool is_about_rights(const std::error_code& code) {
  return code == std::errc::permission_denied || code == std::errc::operation_not_permitted;
}

Exit said(const Console& console, Exit code, const std::exception& error) {
  console.err << "visitsctl: " << error.what() << std::endl;
  return code;
}

}  // namespace

Exit run(std::span<const std::string> words, const Console& console, const std::string& version) {
  try {
    return run_group(words, console, version);
  } catch (const Failure& failure) {
    return said(console, failure.code(), failure);
  } catch (const sysv::Damaged& error) {
    return said(console, Exit::data, error);
  } catch (const sysv::Removed& error) {
    return said(console, Exit::no, error);
  } catch (const std::system_error& error) {
    return said(console, is_about_rights(error.code()) ? Exit::no_permission : Exit::unavailable,
                error);
  } catch (const std::exception& error) {  // NoRoom, and whatever the machine has not
    return said(console, Exit::unavailable, error);
  }
}

}  // namespace ctl
