#include "ctl/description.hpp"

#include <string>
#include <vector>

#include "ctl/json.hpp"
#include "support/catch.hpp"

TEST_CASE("A stored text has the name of its type, and damaged where it has none") {
  const std::vector<std::pair<std::string, std::string>> cases = {{"N;", "null"},
                                                                  {"b:1;", "bool"},
                                                                  {"i:5;", "int"},
                                                                  {"d:1;", "float"},
                                                                  {"s:1:\"x\";", "string"},
                                                                  {"a:0:{}", "array"},
                                                                  {"O:1:\"A\":0:{}", "object"},
                                                                  {"E:3:\"A:B\";", "enum"},
                                                                  {"i:", "damaged"}};
  for (const auto& [text, type] : cases) CHECK(ctl::type_of(text) == type);
}

TEST_CASE("A variable that does not decode is described by its bytes") {
  CHECK(ctl::to_json(ctl::document_of({7, "i:5;"})) ==
        R"({"variable":7,"type":"int","size":4,"value":5})");
  CHECK(ctl::to_json(ctl::document_of({7, "i:"})) ==
        R"({"variable":7,"type":"damaged","size":2,"bytes":"i:"})");
  CHECK(ctl::shown("i:5;") == "5");
  CHECK(ctl::shown("i:") == "\"i:\"");
}
