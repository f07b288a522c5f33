#include "ctl/console.hpp"

#include <istream>
#include <ostream>

#include "ctl/failure.hpp"
#include "ctl/json.hpp"

namespace ctl {

void Console::write(const std::string& text) const {
  out << text << std::flush;
  if (!out) throw Failure(Exit::output, "what there is to say cannot be written");
}

void Console::tell(const Arguments& arguments, const sysv::Value& document,
                   const std::string& text) const {
  write(arguments.has("--json") ? to_json(document, Layout::indented) + "\n" : text);
}

void Console::tell_line(const std::string& line) const { write(line + "\n"); }

void Console::require_consent(const Arguments& arguments, const std::string& what) const {
  if (arguments.has("--yes")) return;
  if (!is_terminal) {
    throw Failure(Exit::usage, "would " + what + "; nobody is here to ask, so say --yes to do it");
  }
  err << "This will " << what << ". Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(in, answer);
  if (answer != "y" && answer != "yes") throw Failure(Exit::no, "nothing was done");
}

}  // namespace ctl
