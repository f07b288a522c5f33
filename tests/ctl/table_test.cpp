#include "ctl/table.hpp"

#include "support/catch.hpp"

using ctl::shortened;
using ctl::Table;

TEST_CASE("Columns are as wide as their widest cell, and numbers stand to the right") {
  Table table({"KEY", "N", "NAME"});
  CHECK(table.is_empty());
  table.add({"0x1", "5", "caf\xc3\xa9"});
  table.add({"0x00000002", "-100", "x"});
  CHECK_FALSE(table.is_empty());
  CHECK(table.text() ==
        "KEY            N  NAME\n"
        "0x1            5  caf\xc3\xa9\n"
        "0x00000002  -100  x\n");
}

TEST_CASE("A long text is cut between characters, and says so") {
  CHECK(shortened("caf\xc3\xa9", 4) == "caf\xc3\xa9");
  CHECK(shortened("caf\xc3\xa9s!", 5) == "caf\xc3\xa9…");
  CHECK(shortened("caf\xc3\xa9s!", 4) == "caf…");
}
