#include "sysv/unserializer.hpp"

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/hex.hpp"
#include "support/site.hpp"
#include "sysv/serializer.hpp"

using support::from_hex;
using support::hex;
using support::php;
using sysv::serialize;
using sysv::unserialize;

namespace {

// A table of values that PHP serializes, one a line.
constexpr const char* values_of_php = R"(
class P { public $a = 1; private $b = 2.5; protected $c = [3]; public ?P $next = null; }
class Q { public $x = 1; function __serialize(): array { return ['x' => [1, 'y' => null], 5 => 6]; } }
enum E: string { case A = 'a'; case B = 'b'; }
enum Suit { case Hearts; }
$p = new P; $p->next = new P; $p->next->next = $p;
$shared = [1, 2]; $referring = [&$shared, &$shared, 'plain' => 5];
$itself = ['deep' => []]; $itself['deep']['itself'] = &$itself;
$dynamic = new stdClass; $dynamic->{'any name'} = 1; $dynamic->{'5'} = new stdClass;
$objects = new SplObjectStorage; $objects[new P] = 'data';
foreach ([
  null, true, false, 0, 1, -1, 42, PHP_INT_MAX, PHP_INT_MIN,
  0.0, -0.0, 0.1, 0.2 + 0.1, 1.0, -1.5, 1/3, 100.0, 123456789.125, 1e14, 1e15, 1e16, 1e17, 1e18,
  1e19, 1e20, 1e21, 1e22, 1e23, 1.5e300, 1e-3, 1e-4, 1e-5, 1.5e-7, 0.00012345, PHP_FLOAT_MAX,
  -PHP_FLOAT_MAX, PHP_FLOAT_MIN, PHP_FLOAT_EPSILON, 4.9e-324, 1.2e-310, 9007199254740993.0,
  99999999999999984.0, INF, -INF, NAN,
  '', 'a', "nul\0inside", 'say "hi";', "it's", "é ü 漢字 🙂", "\xff\xfe\x80", "line\nbreak", '";}',
  'i:5;', str_repeat('x', 5000),
  [], [1, 2, 3], ['a' => 1, 'b' => ['c' => ['d' => []]]], [5 => 'five', -5 => 'minus', '07' => 7],
  ['1' => 'one', '' => 'empty', "\0" => 'nul', 'é' => 1.5], [[[[[[]]]]]], [true, null, 1.5, 'x', 7],
  range(1, 300), [PHP_INT_MAX => 1, PHP_INT_MIN => 2, '9223372036854775808' => 3],
  new P, $p, new Q, E::A, Suit::Hearts, [E::A, E::B, E::A], $referring, $itself, $dynamic,
  [new P, new stdClass, 'after'], new ArrayObject(['x' => 1]), $objects, [$p, $p, 'k' => [$p]],
  new DateTimeImmutable('2026-11-24 12:00', new DateTimeZone('UTC')),
] as $value) echo bin2hex(serialize($value)), "\n";
)";

// Stands for PHP's false where it could not read a text; no hexadecimal text.
const std::string refused = "refused";

// What PHP makes of each text, written again.
std::vector<std::string> read_by_php(const std::vector<std::string>& texts) {
  const support::Folder folder;
  std::string lines;
  for (const std::string& text : texts) lines += hex(text) + "\n";
  const std::string file = folder.write("texts", lines);
  return support::lines_of(
      php("foreach (file('" + file +
          "', FILE_IGNORE_NEW_LINES) as $line) { $text = hex2bin($line); "
          "try { $value = @unserialize($text); } catch (Error) { $value = false; } "
          "$bad = $value === false && !str_starts_with($text, 'b:0;'); "
          "echo $bad ? 'refused' : bin2hex(serialize($value)), \"\\n\"; }"));
}

std::string read_by_us(const std::string& text) {
  const auto value = unserialize(text);
  return value ? hex(serialize(*value)) : refused;
}

// Valid texts of everything but objects, and texts that only PHP's reader knows.
const std::vector<std::string> seeds = {"N;",
                                        "b:1;",
                                        "b:0;",
                                        "i:-42;",
                                        "i:+0042;",
                                        "d:0.1;",
                                        "d:-1.5E+25;",
                                        "d:.5;",
                                        "d:5.;",
                                        "d:1e3;",
                                        "d:INF;",
                                        "d:-INF;",
                                        "d:NAN;",
                                        "s:3:\"a\"b\";",
                                        "S:3:\"a\\62c\";",
                                        "a:0:{}",
                                        "a:2:{i:0;i:1;s:1:\"x\";a:1:{i:5;N;}}",
                                        "a:3:{s:1:\"1\";b:1;s:2:\"-1\";b:0;i:1;d:5;}",
                                        "a:2:{i:1;s:0:\"\";S:1:\"\\31\";N;}",
                                        "a:1:{s:2:\"07\";a:2:{i:0;d:-0;i:1;i:+7;}}"};

const std::vector<std::string> seeds_of_objects = {
    "O:8:\"stdClass\":0:{}", "O:8:\"stdClass\":2:{s:1:\"a\";O:1:\"P\":1:{i:5;N;}s:1:\"b\";r:2;}",
    "a:3:{i:0;O:1:\"P\":0:{}i:1;r:2;i:2;R:2;}", "C:1:\"P\":3:{};}}",
    "a:2:{i:0;a:1:{i:0;R:1;}i:1;R:2;}"};

// Where we differ on purpose: opaque text is not examined, and numbers that do not fit are errors.
bool is_ours_to_decide(const std::string& text) {
  static const std::regex opaque_or_huge("[OCErR]:|[eE][+-]?[0-9]{3}");
  return std::regex_search(text, opaque_or_huge);
}

// One to three bytes changed, taken out or put in.
std::vector<std::string> damaged(const std::vector<std::string>& sound) {
  std::mt19937 random(20261124);
  const std::string alphabet = "0123456789+-.:;{}\"\\NbidsSaEIAFerR ";
  std::vector<std::string> texts;
  while (texts.size() < 20000) {
    std::string text = sound[random() % sound.size()];
    for (auto changes = random() % 3 + 1; changes > 0 && !text.empty(); --changes) {
      const std::size_t at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0: text[at] = c; break;
        case 1: text.erase(at, 1); break;
        default: text.insert(at, 1, c); break;
      }
    }
    texts.push_back(text);
  }
  return texts;
}

}  // namespace

TEST_CASE("Whatever PHP serializes we read, and write again byte for byte") {
  const auto lines = support::lines_of(php(values_of_php));
  REQUIRE(lines.size() == 79);
  for (const std::string& line : lines) {
    const std::string text = from_hex(line);
    CAPTURE(text);
    const auto value = unserialize(text);
    REQUIRE(value.has_value());
    CHECK(serialize(*value) == text);
  }
}

TEST_CASE("An object of PHP's passes through us, inside an array too, and is the same object") {
  const std::string text = from_hex(php("echo bin2hex(serialize([new ArrayObject([1, 2]), 5]));"));
  const auto value = unserialize(text);
  REQUIRE(value.has_value());
  sysv::Array array = *value->as<sysv::Array>();
  array.set(1, 6);
  array.set("new", "text");
  CHECK(php("[0 => $object, 1 => $six, 'new' => $text] = unserialize(hex2bin('" +
            hex(serialize(array)) + "')); echo json_encode([$object[1], $six, $text]);") ==
        R"([2,6,"text"])");
}

TEST_CASE("We read what PHP reads, and refuse what PHP refuses, in texts damaged at random") {
  const auto texts = damaged(seeds);
  const auto lines = read_by_php(texts);
  REQUIRE(lines.size() == texts.size());
  int read = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (is_ours_to_decide(texts[i])) continue;
    CAPTURE(texts[i]);
    REQUIRE(read_by_us(texts[i]) == lines[i]);
    if (lines[i] != refused) ++read;
  }
  CHECK(read > 1000);
}

TEST_CASE("No object or reference that PHP reads is refused, in texts damaged at random") {
  const auto texts = damaged(seeds_of_objects);
  const auto lines = read_by_php(texts);
  REQUIRE(lines.size() == texts.size());
  int read = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (lines[i] == refused) continue;
    CAPTURE(texts[i]);
    REQUIRE(read_by_us(texts[i]) != refused);
    ++read;
  }
  CHECK(read > 500);
}

TEST_CASE("PHP and we read 4096 arrays inside one another and no more") {
  std::vector<std::string> texts;
  for (const int depth : {4095, 4096, 4097}) {
    std::string text = "N;";
    for (int i = 0; i < depth; ++i) text = "a:1:{i:0;" + text + "}";
    texts.push_back(text);
  }
  const auto lines = read_by_php(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(read_by_us(texts[i]) == lines[i]);
  CHECK(lines[1] != refused);
  CHECK(lines[2] == refused);
}
