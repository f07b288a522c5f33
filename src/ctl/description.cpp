#include "ctl/description.hpp"

#include <optional>

#include "ctl/json.hpp"
#include "sysv/unserializer.hpp"

namespace ctl {
namespace {

struct TypeName {
  const char* operator()(sysv::Null) const { return "null"; }
  const char* operator()(bool) const { return "bool"; }
  const char* operator()(std::int64_t) const { return "int"; }
  const char* operator()(double) const { return "float"; }
  const char* operator()(const std::string&) const { return "string"; }
  const char* operator()(const sysv::Array&) const { return "array"; }
  const char* operator()(const sysv::Opaque& opaque) const {
    return opaque.text.starts_with('E') ? "enum" : "object";
  }
};

}  // namespace

std::string type_of(std::string_view text) {
  const auto value = sysv::unserialize(text);
  return value ? std::visit(TypeName{}, value->data()) : "damaged";
}

std::string shown(std::string_view text) {
  const auto value = sysv::unserialize(text);
  return to_json(value ? *value : sysv::Value(std::string(text)));
}

void describe(sysv::Array& document, std::string_view text) {
  auto value = sysv::unserialize(text);
  if (value) {
    document.set("value", *std::move(value));
  } else {
    document.set("bytes", std::string(text));
  }
}

sysv::Value document_of(const sysv::Variable& variable) {
  sysv::Array document{{"variable", variable.key},
                       {"type", type_of(variable.text)},
                       {"size", number(variable.text.size())}};
  describe(document, variable.text);
  return document;
}

}  // namespace ctl
