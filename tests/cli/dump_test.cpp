#include "cli/dump.hpp"

#include "cli/directives.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

namespace {

struct Files {
  support::Folder folder;

  // The configuration of a file with that text, written out.
  std::string dumped(const std::string& text) const {
    const std::string file = folder.write("a.conf", text);
    const std::vector<const char*> words = {"-R", "-y", file.c_str()};
    return cli::dump(cli::parse(words).config);
  }
};

}  // namespace

TEST_CASE_METHOD(Files, "What is written out and read back is the same") {
  const std::string key_file = folder.write("key", "");
  const std::string text = dumped(
      "[global]\nlog_level = debug\nrlimit_files = 1024\nrlimit_core = unlimited\nprocess.priority "
      "= -3\n"
      "[shop]\nprefix = " +
      folder.path().string() +
      "\nuser = nobody\nlisten = a.sock\n"
      "listen.allowed_clients = ::1, 127.0.0.1\nlisten.mode = 0600\npm = dynamic\n"
      "pm.max_children = 9\npm.max_spare_servers = 7\nping.response = \"a;\\\"b\\\" \\$pool 'c'\"\n"
      "access.suppress_path[] = /a\naccess.suppress_path[] = \"/b;c\"\nenv[A] = '$x'\n"
      "env[B] = \"x y\"\nvisits.key_file = key\nvisits.events = 0x51e\n"
      "request_terminate_timeout = 1500ms\n");
  CHECK(dumped(text) == text);
  CHECK_THAT(text, support::contains("\tlisten = " + folder / "a.sock" + "\n"));
  CHECK_THAT(text, support::contains("\tvisits.key_file = " + key_file + "\n"));
  CHECK_THAT(text, support::contains("\taccess.suppress_path[] = \"/b;c\"\n"));
  CHECK_THAT(text, support::contains("\tenv[A] = \"\\$x\"\n"));
  CHECK_THAT(text, support::contains("[shop]\n"));
}

TEST_CASE_METHOD(Files, "A negative key is written out so that it is read back as the same") {
  const std::string text = dumped("[www]\nvisits.key = -16760826\nvisits.events = -2147483648\n");
  CHECK(dumped(text) == text);
  CHECK_THAT(text, support::contains("\tvisits.key = -16760826\n"));
  CHECK_THAT(text, support::contains("\tvisits.events = -2147483648\n"));
}

TEST_CASE_METHOD(Files, "The defaults are written out and read back, too") {
  const std::string text = dumped("[visits]\n");
  CHECK(dumped(text) == text);
  CHECK(text == cli::dump(cli::Config{}));
}

TEST_CASE_METHOD(Files, "Every directive that has one value is written out") {
  const std::string text = dumped("[www]\n");
  for (const cli::Directive& directive : cli::directives()) {
    if (directive.name.ends_with("[]")) continue;
    CHECK_THAT(text, support::contains("\n\t" + directive.name + " = "));
  }
}
