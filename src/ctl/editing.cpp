#include "ctl/editing.hpp"

#include <chrono>

#include "ctl/access.hpp"
#include "ctl/description.hpp"
#include "ctl/json.hpp"
#include "ctl/table.hpp"
#include "sysv/serializer.hpp"
#include "sysv/unserializer.hpp"

namespace ctl {
namespace {

using sysv::Array;
using sysv::Value;

std::string name_of(sysv::Key key, std::int64_t variable) {
  return "variable " + std::to_string(variable) + " of key " + text_of(key);
}

[[noreturn]] void absent(sysv::Key key, std::int64_t variable) {
  throw Failure(Exit::no, "there is no " + name_of(key, variable));
}

std::string text_at(sysv::Key key, std::int64_t variable) {
  std::vector<std::byte> bytes = snapshot(segment_to_read(key));
  const auto text = sysv::Variables(bytes).get(variable);
  if (!text) absent(key, variable);
  return *text;
}

std::int64_t nanoseconds_now() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

sysv::Segment made(const Arguments& arguments, sysv::Key key) {
  constexpr std::size_t usual = 65536;
  const auto size = arguments.value("--size");
  const auto mode = arguments.value("--mode");
  auto segment = sysv::Segment::create(key, size ? size_in(*size) : usual,
                                       mode ? access_in(*mode) : sysv::owner_only);
  return segment ? *std::move(segment) : segment_to_write(key);
}

sysv::Segment segment_for_put(const Arguments& arguments, sysv::Key key) {
  if (!arguments.has("--create")) return segment_to_write(key);
  auto segment = sysv::Segment::open(key);
  return segment ? *std::move(segment) : made(arguments, key);
}

// All that could refuse the value comes before the first change.
void put_into(const Arguments& arguments, sysv::Key key, std::int64_t variable,
              const std::string& text) {
  const sysv::Segment segment = segment_for_put(arguments, key);
  sysv::Variables variables = arguments.has("--create")
                                  ? sysv::Variables::of(segment.bytes(), nanoseconds_now())
                                  : sysv::Variables(segment.bytes());
  variables.check();
  variables.put(variable, text);
}

}  // namespace

std::string text_in(const Arguments& arguments, const std::string& word) {
  if (!arguments.has("--raw")) {
    try {
      return sysv::serialize(from_json(word));
    } catch (const NotJson& error) {
      throw Failure(Exit::usage,
                    std::string("the value is not JSON (a string is '\"text\"'): ") + error.what());
    }
  }
  if (sysv::unserialize(word)) return word;
  throw Failure(Exit::usage, "the value is no serialize() text that PHP could read");
}

Exit get(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const std::int64_t variable = variable_in(arguments.operand(1));
  const std::string text = text_at(key, variable);
  const auto value = sysv::unserialize(text);
  if (arguments.has("--raw")) {
    console.tell_line(text);
    return Exit::done;
  }
  if (!value) {
    throw Failure(Exit::data, name_of(key, variable) +
                                  " holds no value that PHP could read; --raw prints its bytes");
  }
  const std::string* const string = value->as<std::string>();
  console.tell_line(arguments.has("--text") && string ? *string : to_json(*value));
  return Exit::done;
}

Exit put(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const std::int64_t variable = variable_in(arguments.operand(1));
  const std::string text = text_in(arguments, arguments.operand(2));
  if (!arguments.has("--create")) (void)segment_to_write(key);
  under_lock(arguments, key, [&] { put_into(arguments, key, variable, text); });
  Array document{{"key", text_of(key)}, {"variable", variable}};
  describe(document, text);
  console.tell(arguments, document, {});
  return Exit::done;
}

Exit remove(const Arguments& arguments, const Console& console) {
  const sysv::Key key = key_in(arguments.operand(0));
  const std::int64_t variable = variable_in(arguments.operand(1));
  const std::string text = text_at(key, variable);
  console.require_consent(arguments, "remove " + name_of(key, variable) + ", whose value is " +
                                         shortened(shown(text), 60));
  under_lock(arguments, key, [&] {
    const sysv::Segment segment = segment_to_write(key);
    sysv::Variables variables(segment.bytes());
    variables.check();
    if (!variables.remove(variable)) absent(key, variable);
  });
  console.tell(arguments, Array{{"key", text_of(key)}, {"removed", variable}}, {});
  return Exit::done;
}

}  // namespace ctl
