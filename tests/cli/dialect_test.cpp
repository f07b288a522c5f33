#include "cli/dialect.hpp"

#include <cstdlib>
#include <random>

#include "cli/config.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

namespace {

struct Files {
  support::Folder folder;

  cli::Reading read(const std::string& text) const {
    return cli::read_configuration(folder.write("a.conf", text));
  }

  // "line section name=value", one line each.
  std::string shown(const std::string& text) const {
    std::string all;
    for (const cli::Entry& entry : read(text).entries) {
      all += std::to_string(entry.line) + " " + entry.section + " " + entry.name + "=" +
             entry.value + "\n";
    }
    return all;
  }

  std::string value(const std::string& line) const {
    return read("[www]\n" + line).entries.at(1).value;
  }

  std::string place(int line) const { return folder / "a.conf:" + std::to_string(line) + ": "; }
};

}  // namespace

TEST_CASE_METHOD(Files, "Each line has its number and its section, and each section its line") {
  CHECK(shown("; a comment\nfree = 1\n\n[global]\n  pid = /p ; here\n[www]\nlisten=9000\r\n\tpm = "
              "static") ==
        "2  free=1\n4 global =\n5 global pid=/p\n6 www =\n7 www listen=9000\n8 www pm=static\n");
}

TEST_CASE_METHOD(Files, "A section without a line in it is told all the same") {
  CHECK(shown("[a]\n[b]\n") == "1 a =\n2 b =\n");
}

TEST_CASE_METHOD(Files, "An indented line is a line of its own") {
  CHECK(shown("[a]\nx = 1\n   y = 2\n") == "1 a =\n2 a x=1\n3 a y=2\n");
}

TEST_CASE_METHOD(Files, "A value of any length arrives whole, and later lines keep their numbers") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "ab;'# " + std::to_string(i);
  const cli::Reading reading = read("[a]\nx = \"" + text + "\"\ny = 1\n");
  REQUIRE(reading.entries.size() == 3);
  CHECK(reading.entries[1].value == text);
  CHECK(reading.entries[2].line == 3);
}

TEST_CASE_METHOD(Files, "Quotes hold semicolons and blanks") {
  CHECK(value("x = \"a ; b;c\" ; d") == "a ; b;c");
  CHECK(value("x = 'a ; b'") == "a ; b");
  CHECK(value("x = a;b") == "a");
}

TEST_CASE_METHOD(Files, "The pool's name and the environment stand in for themselves") {
  setenv("VISITS_TEST", "here", 1);
  CHECK(value("x = /run/$pool-${VISITS_TEST}") == "/run/www-here");
  CHECK(value("env[A] = $VISITS_TEST") == "here");
  CHECK(value("x = $VISITS_TEST") == "$VISITS_TEST");
  CHECK(read("[global]\nx = $pool").entries.at(1).value == "$pool");
  unsetenv("VISITS_TEST");
}

TEST_CASE_METHOD(Files,
                 "A variable that the environment does not have is a warning with its line") {
  const cli::Reading reading = read("[a]\nx = ${VISITS_NONE}");
  REQUIRE(reading.warnings.size() == 1);
  CHECK(reading.warnings[0] ==
        place(2) + "x: the environment has no VISITS_NONE; nothing stands in its place");
}

TEST_CASE_METHOD(Files, "A line that is neither section nor directive is refused by its number") {
  const std::string longer(1000, 'a');
  CHECK_THROWS_WITH(read("[a]\n\nnothing\n"),
                    place(3) + "this is neither [section] nor name = value");
  CHECK_THROWS_WITH(read("x = " + longer + "\n[a\n"),
                    place(2) + "this is neither [section] nor name = value");
  CHECK_THROWS_WITH(read(longer + "= b\n"), support::contains(place(1)));
  CHECK_THROWS_WITH(read("= b\n"), support::contains(place(1) + "the name before"));
  CHECK_THROWS_WITH(read("[a]\nx = \"b\n"), support::contains(place(2) + "x: a quote"));
  CHECK_THROWS_WITH(read("[a]\nx = b\x02\n"), support::contains(place(2) + "a control byte"));
  CHECK_THROWS_WITH(read("[" + longer + "]"), support::contains("at most 31 bytes"));
}

TEST_CASE_METHOD(Files, "A file that cannot be read is refused with the reason") {
  CHECK_THROWS_WITH(cli::read_configuration(folder / "none"),
                    folder / "none: No such file or directory");
  CHECK_THROWS_WITH(cli::read_configuration(folder.path().string()),
                    folder.path().string() + ": Is a directory");
  CHECK_THROWS_WITH(cli::read_configuration("/dev/zero"), support::contains("larger than 1 MiB"));
}

TEST_CASE_METHOD(Files, "Included files stand in the place of their line, sorted by name") {
  folder.write("b.inc", "y = 2\n[www]\nz = $pool\n");
  folder.write("a.inc", "x = 1\n");
  std::filesystem::create_directory(folder.path() / "c.inc");
  const cli::Reading reading = read("[global]\ninclude = *.inc\nlast = 1\n");
  REQUIRE(reading.entries.size() == 6);
  CHECK(reading.entries[1].file == folder / "a.inc");
  CHECK(reading.entries[1].section == "global");
  CHECK(reading.entries[2].name == "y");
  CHECK(reading.entries[4].value == "www");
  CHECK(reading.entries[5].section == "global");
  CHECK(reading.warnings.empty());
}

TEST_CASE_METHOD(Files, "An include that nothing matches is a warning") {
  const cli::Reading reading = read("[a]\ninclude = " + folder / "none/*.conf");
  CHECK(reading.entries.size() == 1);
  REQUIRE(reading.warnings.size() == 1);
  CHECK(reading.warnings[0] == place(2) + "include: no file matches " + folder / "none/*.conf");
}

TEST_CASE_METHOD(Files, "A file that includes itself is refused") {
  CHECK_THROWS_WITH(read("[a]\ninclude = a.conf"),
                    support::contains(place(2) + "include: files are included 8 deep"));
}

// Pieces of the dialect among bytes of any kind, so that more than the first line is reached.
TEST_CASE_METHOD(Files, "Whatever the bytes, there is a configuration or one line of error") {
  const std::vector<std::string> pieces = {"[www]\n",
                                           "[global]\n",
                                           "\n",
                                           " = ",
                                           "listen",
                                           "pm",
                                           "env[A]",
                                           "\"",
                                           "'",
                                           ";",
                                           "$pool",
                                           "${HOME}",
                                           "${",
                                           "\\",
                                           "\n  ",
                                           "access.suppress_path[]",
                                           "include = a.conf\n",
                                           "#",
                                           "[",
                                           "]",
                                           "static",
                                           "\xef\xbb\xbf",
                                           std::string(250, ' '),
                                           std::string(250, 'x'),
                                           ":",
                                           "pm.max_children = 2\n",
                                           std::string(1, '\0')};
  std::mt19937 random(4);
  const auto below = [&](std::size_t most) { return random() % most; };
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t i = below(30); i > 0; --i) {
      if (below(8) == 0) {
        text.push_back(static_cast<char>(below(256)));
      } else {
        text.append(pieces[below(pieces.size())]);
      }
    }
    const std::string file = folder.write("a.conf", text);
    const std::vector<const char*> words = {"-R", "-y", file.c_str()};
    try {
      cli::parse(words);
    } catch (const cli::ConfigError& error) {
      const std::string why = error.what();
      INFO(text);
      CHECK(why.starts_with(file));
      CHECK(why.find('\n') == std::string::npos);
    }
  }
}
