#include "ctl/json.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "ctl/hex.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

namespace ctl {
namespace {

using Json = nlohmann::ordered_json;
using sysv::Array;
using sysv::Value;

constexpr int deepest = 4096;  // as PHP's unserialize_max_depth

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

Json with_one(const char* name, const std::string& text) {
  Json object = Json::object();
  object[name] = text;
  return object;
}

Json as_serialized(const std::string& text) {
  return is_utf8(text) ? with_one("php", text) : with_one("php_hex", hex(text));
}

bool is_list(const Array& array) {
  std::int64_t next = 0;
  for (const sysv::Element& element : array.elements()) {
    const std::int64_t* const number = element.key.number();
    if (!number || *number != next++) return false;
  }
  return true;
}

bool is_form(std::string_view name) { return name == "hex" || name == "php" || name == "php_hex"; }

// An object of JSON cannot tell this array: it would be read as something else, or not at all.
bool needs_a_form(const Array& array) {
  const auto& elements = array.elements();
  for (const sysv::Element& element : elements) {
    if (element.key.text() && !is_utf8(*element.key.text())) return true;
  }
  return elements.size() == 1 && elements.front().key.text() &&
         is_form(*elements.front().key.text());
}

Json tree_of(const Value& value);

struct Writer {
  Json operator()(sysv::Null) const { return nullptr; }
  Json operator()(bool truth) const { return truth; }
  Json operator()(std::int64_t number) const { return number; }
  Json operator()(double number) const {
    const bool plain = std::isfinite(number) && !(number == 0 && std::signbit(number));
    return plain ? Json(number) : as_serialized(sysv::serialize(number));
  }
  Json operator()(const std::string& bytes) const {
    return is_utf8(bytes) ? Json(bytes) : with_one("hex", hex(bytes));
  }
  Json operator()(const sysv::Opaque& opaque) const { return as_serialized(opaque.text); }
  Json operator()(const Array& array) const {
    if (is_list(array)) return list(array);
    return needs_a_form(array) ? as_serialized(sysv::serialize(array)) : object(array);
  }

  static Json list(const Array& array) {
    Json json = Json::array();
    for (const sysv::Element& element : array.elements()) json.push_back(tree_of(element.value));
    return json;
  }
  static Json object(const Array& array) {
    Json json = Json::object();
    for (const auto& [key, value] : array.elements()) {
      json.push_back({key.number() ? std::to_string(*key.number()) : *key.text(), tree_of(value)});
    }
    return json;
  }
};

Json tree_of(const Value& value) { return std::visit(Writer{}, value.data()); }

// JSON leaves DEL and the C1 controls (U+0080 to U+009F) as they are; a terminal does not.
std::string printable(const std::string& json) {
  std::string text;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto byte = static_cast<unsigned char>(json[at]);
    const auto next = static_cast<unsigned char>(at + 1 < json.size() ? json[at + 1] : 0);
    const bool c1 = byte == 0xc2 && 0x80 <= next && next <= 0x9f;
    if (byte == 0x7f) text += "\\u007f";
    if (c1) text += "\\u00" + hex(json.substr(++at, 1));
    if (byte != 0x7f && !c1) text += json[at];
  }
  return text;
}

Value value_of(const Json& json, int depth);

// None: the object is none of the three forms.
std::optional<Value> value_of_form(const Json& object) {
  if (object.size() != 1 || !is_form(object.begin().key()) || !object.begin().value().is_string()) {
    return std::nullopt;
  }
  const std::string& name = object.begin().key();
  const auto& written = object.begin().value().get_ref<const std::string&>();
  const auto bytes = name == "php" ? written : from_hex(written);
  if (!bytes) throw NotJson("\"" + written + "\" is not in pairs of hexadecimal digits");
  if (name == "hex") return Value(*bytes);
  auto value = sysv::unserialize(*bytes);
  if (!value) throw NotJson("\"" + written + "\" is no text that PHP's unserialize() reads");
  return value;
}

Value value_of_object(const Json& object, int depth) {
  if (auto value = value_of_form(object)) return *std::move(value);
  std::vector<sysv::Element> elements;
  for (const auto& [key, value] : object.items()) {
    elements.push_back({key, value_of(value, depth + 1)});
  }
  return Array(std::move(elements));
}

Value value_of_list(const Json& list, int depth) {
  std::vector<Value> values;
  for (const Json& element : list) values.push_back(value_of(element, depth + 1));
  return Array::list(std::move(values));
}

std::int64_t integer_of(const Json& json) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > most) {
    throw NotJson(json.dump() + " is beyond 64 bits with a sign");
  }
  return json.get<std::int64_t>();
}

Value value_of(const Json& json, int depth) {
  if (depth > deepest) throw NotJson("more than 4096 arrays inside one another, PHP's limit");
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number()) return integer_of(json);
  if (json.is_string()) return json.get<std::string>();
  return json.is_array() ? value_of_list(json, depth) : value_of_object(json, depth);
}

// nlohmann's own words, without the name of its exception: "[json.exception.…] parse error at …".
std::string reason(const std::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

Json parsed(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw NotJson(reason(error));
  }
}

}  // namespace

std::string to_json(const Value& value, Layout layout) {
  return printable(tree_of(value).dump(layout == Layout::line ? -1 : 2));
}

Value from_json(std::string_view text) { return value_of(parsed(text), 0); }

}  // namespace ctl
