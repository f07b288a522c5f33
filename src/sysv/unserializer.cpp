#include "sysv/unserializer.hpp"

#include <limits>
#include <utility>

#include "sysv/reader.hpp"

namespace sysv {
namespace {

constexpr std::size_t max_depth = 4096;  // unserialize_max_depth, PHP's default

// Arrays and objects that are under way are kept in a list, not on the stack. Every function that
// returns bool returns false where the text is in error.
class Unserializer {
 public:
  explicit Unserializer(std::string_view text) : reader_(text) {}

  std::optional<Value> run() {
    while (!result_) {
      if (!step()) return std::nullopt;
    }
    return std::move(result_);
  }

 private:
  enum class Kind { array, object };

  struct Open {
    Kind kind;
    std::size_t begin;  // where its text begins
    std::size_t left;   // elements still to come
    std::vector<Element> elements;
    ArrayKey key;  // of the element under way
  };

  // One end of an array or object, or one value: its beginning, if it is one of those.
  bool step() {
    if (open_.empty()) return read_value();
    if (open_.back().left == 0) return close();
    return read_key() && read_value();
  }

  bool read_key() {
    ArrayKey& key = open_.back().key;
    if (reader_.take("i:")) return end_of(reader_.integer(), key);
    if (reader_.take("s:")) return end_of(reader_.quoted(), key);
    return reader_.take("S:") && end_of(reader_.escaped(), key);
  }

  bool read_value() {
    const std::size_t begin = reader_.position();
    const auto type = reader_.character();
    if (type == 'N') return reader_.take(";") && deliver(Value());
    if (!type || !reader_.take(":")) return false;
    switch (*type) {
      case 'b': return read_bool();
      case 'i': return read_scalar(reader_.integer());
      case 'd': return read_float();
      case 's': return read_scalar(reader_.quoted());
      case 'S': return read_scalar(reader_.escaped());
      case 'a': return open_array(begin);
      case 'O': return open_object(begin);
      case 'C': return read_custom(begin);
      case 'E': return reader_.quoted() && reader_.take(";") && deliver_opaque(begin);
      case 'r':
      case 'R': return reader_.length() && reader_.take(";") && deliver_opaque(begin);
      default: return false;
    }
  }

  // What was read, its semicolon, and into which variable it goes.
  template <class Read, class Target>
  bool end_of(const std::optional<Read>& read, Target& target) {
    if (!read || !reader_.take(";")) return false;
    target = made_of(*read);
    return true;
  }

  template <class Read>
  bool read_scalar(const std::optional<Read>& read) {
    Value value;
    return end_of(read, value) && deliver(std::move(value));
  }

  template <class Read>
  static const Read& made_of(const Read& read) {
    return read;
  }
  static std::string made_of(std::string_view read) { return std::string(read); }

  bool read_bool() {
    if (reader_.take("0;")) return deliver(false);
    return reader_.take("1;") && deliver(true);
  }

  bool read_float() {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (reader_.take("INF;")) return deliver(infinity);
    if (reader_.take("-INF;")) return deliver(-infinity);
    if (reader_.take("NAN;")) return deliver(std::numeric_limits<double>::quiet_NaN());
    return read_scalar(reader_.floating());
  }

  // C:LENGTH:"CLASS":LENGTH:{BYTES}
  bool read_custom(std::size_t begin) {
    if (!reader_.quoted() || !reader_.take(":")) return false;
    const auto size = reader_.lax_length();
    return size && reader_.take(":{") && reader_.bytes(*size) && reader_.take("}") &&
           deliver_opaque(begin);
  }

  // a:COUNT:{…}. An empty one is over at once and does not count as nested.
  bool open_array(std::size_t begin) {
    const auto count = reader_.length();
    if (!count || !reader_.take(":{")) return false;
    if (*count == 0) return reader_.take("}") && deliver(Array());
    return open(Kind::array, begin, *count);
  }

  // O:LENGTH:"CLASS":COUNT:{…}
  bool open_object(std::size_t begin) {
    if (!reader_.quoted() || !reader_.take(":")) return false;
    const auto count = reader_.lax_length();
    return count && reader_.take(":{") && open(Kind::object, begin, *count);
  }

  bool open(Kind kind, std::size_t begin, std::size_t count) {
    if (open_.size() == max_depth) return false;
    open_.push_back({kind, begin, count, {}, 0});
    if (kind == Kind::object) ++open_objects_;
    return true;
  }

  bool close() {
    if (!reader_.take("}")) return false;
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.kind == Kind::array) return deliver(Array(std::move(done.elements)));
    --open_objects_;
    return deliver_opaque(done.begin);
  }

  bool deliver_opaque(std::size_t begin) {
    // What is inside an object is in the object's text already.
    if (open_objects_ > 0) return deliver(Value());
    return deliver(Opaque{std::string(reader_.since(begin))});
  }

  bool deliver(Value value) {
    if (open_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Open& around = open_.back();
    --around.left;
    if (open_objects_ == 0) around.elements.push_back({std::move(around.key), std::move(value)});
    return true;
  }

  Reader reader_;
  std::vector<Open> open_;
  std::size_t open_objects_ = 0;
  std::optional<Value> result_;
};

}  // namespace

std::optional<Value> unserialize(std::string_view text) { return Unserializer(text).run(); }

}  // namespace sysv
