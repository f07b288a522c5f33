#include "ctl/manual.hpp"

#include <algorithm>

namespace ctl {
namespace {

constexpr Option json{"--json", "", "one JSON document, for programs"};
constexpr Option json_lines{"--json", "", "a JSON document per line, for programs"};
constexpr Option help_option{"--help", "", "this page"};
constexpr Option yes{"--yes", "", "do not ask; needed where nobody could answer"};
constexpr Option no_lock{"--no-lock", "", "do not take the semaphore of that key"};
constexpr Option wait_for_lock{"--wait", "SECONDS", "longest wait for the semaphore (10)"};
constexpr Option mode{"--mode", "MODE", "permissions of what --create makes, in octal (0600)"};

std::vector<Page> all_pages() {
  return {
      {"list",
       {},
       "every segment, semaphore set and queue",
       {json, help_option},
       "Lists what the kernel has, of all users: keys, owners, modes, sizes, processes. Whether a\n"
       "segment is a PHP table shows only where it may be read; \"?\" is where it may not. To look "
       "at\n"
       "a segment makes this process the last one that attached it.",
       "visitsctl ipc list"},
      {"show",
       {"KEY"},
       "variables, semaphore and queue of a key",
       {json, help_option},
       "Shows the variables with their values, how much room is left, who holds the semaphore and\n"
       "how many wait for it, and what the queue has. Takes no lock and changes nothing: it reads\n"
       "until it has read the same twice.",
       "visitsctl ipc show 0x51e"},
      {"get",
       {"KEY", "VARIABLE"},
       "the value of a variable",
       {{"--raw", "", "as serialize() text, byte for byte"},
        {"--text", "", "a string as its bytes; all else as JSON"},
        json,
        help_option},
       "Prints the value as JSON on one line; put takes the same. What JSON has no form for is an\n"
       "object with one member: {\"php\": \"O:…\"} has that serialize() text (objects, enums,\n"
       "references, INF, NAN, -0), {\"php_hex\": \"…\"} the same in hexadecimal, and {\"hex\": "
       "\"ff00\"}\n"
       "is a string that is not UTF-8.",
       "visitsctl ipc get 0x51e 0"},
      {"put",
       {"KEY", "VARIABLE", "VALUE"},
       "sets a variable",
       {{"--raw", "", "VALUE is serialize() text, not JSON"},
        {"--create", "", "make segment and semaphore if there are none"},
        {"--size", "BYTES", "of the segment that --create makes (65536)"},
        mode,
        no_lock,
        wait_for_lock,
        json,
        help_option},
       "Takes PHP's semaphore of that key for it, as PHP pages do. Without room the old value "
       "stays.\n"
       "Words for a shell: a string is '\"hello\"'. A number may begin with a minus.",
       "visitsctl ipc put 0x51e 7 '{\"name\": \"Ann\", \"visits\": [1, 2]}'"},
      {"remove",
       {"KEY", "VARIABLE"},
       "removes a variable",
       {yes, no_lock, wait_for_lock, json, help_option},
       "Its value is gone then. The others stay.",
       "visitsctl ipc remove 0x51e 7"},
      {"check",
       {"KEY"},
       "verifies a segment's table",
       {json, help_option},
       "Walks over every variable and says what is wrong, and at which offset. Exit code 0: "
       "sound,\n"
       "maybe with notes (room that is left over); 1: not sound, or there is no segment; 65: this "
       "is\n"
       "no table of PHP's. What looks damaged is read again several times, a writer may be at "
       "work.",
       "visitsctl ipc check 0x51e || visitsctl ipc repair 0x51e"},
      {"repair",
       {"KEY"},
       "mends a table, after a backup",
       {{"--backup", "FILE", "where the bytes go (visits-KEY-TIME.backup, here)"},
        yes,
        no_lock,
        wait_for_lock,
        json,
        help_option},
       "Saves the segment's bytes in a new file first, and then every variable that can be told:\n"
       "free room that is miscounted, a header that was never finished, a walk that misses the "
       "end,\n"
       "left-over room, a second variable hidden behind the first of its key. Foreign data is\n"
       "refused. Exit code 1: something is left that cannot be mended, such as a value that PHP\n"
       "cannot read.",
       "visitsctl ipc repair 0x51e --yes"},
      {"watch",
       {"KEY", "[VARIABLE]"},
       "prints changes until interrupted",
       {{"--interval", "SECONDS", "between two looks (0.5)"}, json_lines, help_option},
       "Begins with what there is. A variable that changes several times between two looks is\n"
       "printed once.",
       "visitsctl ipc watch 0x51e 0 --interval 0.1"},
      {"send",
       {"KEY", "TYPE", "VALUE"},
       "sends a message to a queue",
       {{"--raw", "", "VALUE is the message, byte for byte (serialize: false in PHP)"},
        {"--create", "", "make the queue if there is none"},
        mode,
        {"--wait", "SECONDS", "longest wait for room in a full queue (0)"},
        json,
        help_option},
       "VALUE is JSON, see get; PHP receives it with msg_receive() as its own value. TYPE is a\n"
       "number from 1 up that receivers may choose by.",
       "visitsctl ipc send 0x51e 1 '[\"resize\", \"cat.jpg\"]'"},
      {"receive",
       {"KEY"},
       "takes a message out of a queue",
       {{"--type", "TYPE", "the oldest of that type; -TYPE: of the lowest type up to that"},
        {"--follow", "", "go on until interrupted"},
        {"--wait", "SECONDS", "longest wait for a message (0); with --follow: then end"},
        {"--raw", "", "print the message's bytes as they are, without its type"},
        json_lines,
        help_option},
       "Takes messages AWAY: nobody else will get them. Prints type and value; a message that "
       "does\n"
       "not decode is printed as bytes, and is not lost. Exit code 1: there was none.",
       "visitsctl ipc receive 0x51e --follow"},
      {"rm",
       {"KEY"},
       "destroys segment, set and queue",
       {{"--segment", "", "the segment alone"},
        {"--semaphore", "", "the semaphore set alone"},
        {"--queue", "", "the queue alone"},
        yes,
        json,
        help_option},
       "For everyone. Memory that others have attached is theirs until they let go; those who "
       "wait\n"
       "for the semaphore or a message get an error. Exit code 1: there was nothing.",
       "visitsctl ipc rm 0x51e --queue"},
  };
}

constexpr const char* exit_codes =
    "Exit codes:\n"
    "   0  done; yes\n"
    "   1  the answer is no: no such object or variable, no message, not sound, or declined\n"
    "  64  the call is wrong: an unknown word, a bad number, or --yes is needed\n"
    "  65  what is stored is no table of PHP's, or a value that PHP could not read\n"
    "  69  no room in the segment, or the kernel refuses\n"
    "  73  the backup cannot be written; nothing was changed\n"
    "  74  the output cannot be written\n"
    "  75  later, maybe: the semaphore is held, or the queue is full\n"
    "  77  no permission";

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string call_of(const Page& page) {
  std::string call(page.name);
  for (const std::string_view operand : page.operands) call += " " + std::string(operand);
  return call;
}

std::string line_of(const Option& option) {
  std::string name(option.name);
  if (!option.value.empty()) name += " " + std::string(option.value);
  return "  " + padded(name, 20) + "  " + std::string(option.meaning) + "\n";
}

}  // namespace

const std::vector<Page>& pages() {
  static const std::vector<Page> pages = all_pages();
  return pages;
}

const Page* page_of(std::string_view verb) {
  const auto found = std::find_if(pages().begin(), pages().end(),
                                  [&](const Page& page) { return page.name == verb; });
  return found == pages().end() ? nullptr : &*found;
}

std::string help() {
  return "Usage: visitsctl ipc VERB …   look at and mend what PHP's sem_*, shm_* and msg_* share\n"
         "       visitsctl --help | --version\n"
         "\n"
         "visitsctl ipc --help lists the verbs. To begin with:\n"
         "\n"
         "    visitsctl ipc list";
}

std::string help_on_ipc() {
  std::string text = "Usage: visitsctl ipc VERB …\n\nVerbs (visitsctl ipc VERB --help has more):\n";
  for (const Page& page : pages()) {
    text += "  " + padded(call_of(page), 24) + "  " + std::string(page.summary) + "\n";
  }
  return text +
         "\nKEY is a number (0x51e, 1310), or the path of a file, whose ftok(FILE, 'p') it is.\n"
         "VARIABLE is the number that PHP has for it. --json is for programs.\n\n"
         "    visitsctl ipc show 0x51e\n\n" +
         exit_codes;
}

std::string help_on(const Page& page) {
  std::string text = "Usage: visitsctl ipc " + call_of(page) + " [OPTION]…\n\n" +
                     std::string(page.text) + "\n\nOptions:\n";
  for (const Option& option : page.options) text += line_of(option);
  return text + "\nExample:\n\n    " + std::string(page.example) + "\n\n" + exit_codes;
}

}  // namespace ctl
