#include "sysv/serializer.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/hex.hpp"
#include "support/site.hpp"

using support::hex;
using support::php;
using sysv::Array;
using sysv::Opaque;
using sysv::serialize;
using sysv::Value;

namespace {

using Double = std::numeric_limits<double>;

constexpr const char* classes =
    "class P { public $a = 1; private $b = 2; protected $c = 3; } enum E: string { case A = 'a'; "
    "} ";

struct Pair {
  Value ours;
  std::string phps;
};

// Each kind of value, and what PHP has to find in our text of it.
const std::vector<Pair> pairs = {
    {{}, "null"},
    {true, "true"},
    {false, "false"},
    {0, "0"},
    {-5, "-5"},
    {std::numeric_limits<std::int64_t>::max(), "PHP_INT_MAX"},
    {std::numeric_limits<std::int64_t>::min(), "PHP_INT_MIN"},
    {0.0, "0.0"},
    {0.1, "0.1"},
    {-2.5, "-2.5"},
    {1e15, "1e15"},
    {1e25, "1e25"},
    {1e-5, "1e-5"},
    {Double::max(), "PHP_FLOAT_MAX"},
    {Double::epsilon(), "PHP_FLOAT_EPSILON"},
    {Double::denorm_min(), "4.9E-324"},
    {Double::infinity(), "INF"},
    {-Double::infinity(), "-INF"},
    {"", "''"},
    {"say \"hi\"; it's \xc3\xa9", "\"say \\\"hi\\\"; it's \\xc3\\xa9\""},
    {std::string("\0\xff\n", 3), "\"\\0\\xff\\n\""},
    {Array(), "[]"},
    {Array::list({1, "2", 3.5}), "[1, '2', 3.5]"},
    {Array{{"b", 1}, {"5", Value()}, {-2, true}, {"05", false}},
     "['b' => 1, 5 => null, -2 => true, '05' => false]"},
    {Array{{"x", Array{{"y", Array::list({Array()})}}}}, "['x' => ['y' => [[]]]]"},
    {Opaque{"E:3:\"E:A\";"}, "E::A"},
    {Array::list({Opaque{"E:3:\"E:A\";"}, Opaque{"r:2;"}}), "[E::A, E::A]"},
};

// For PHP: true where the text is one of that value and PHP writes the same.
std::string check_of(const Pair& pair) {
  return "$text = hex2bin('" + hex(serialize(pair.ours)) + "'); " +  //
         "echo unserialize($text) === " + pair.phps +                //
         " && serialize(" + pair.phps + ") === $text ? 'same' : $text, \"\\n\"; ";
}

// Floats of any bits, some of a usual size, and the powers of two, where shortest digits are hard.
std::vector<double> floats() {
  std::mt19937_64 random(20261124);
  std::vector<double> numbers;
  for (int i = 0; i < 4000; ++i) numbers.push_back(std::bit_cast<double>(random()));
  for (int i = 0; i < 2000; ++i) {
    numbers.push_back(static_cast<double>(random()) /
                      std::pow(10.0, static_cast<int>(random() % 40)));
  }
  for (int i = 0; i < 1000; ++i) {
    numbers.push_back(static_cast<double>(random() % 100000) / 1000.0);
  }
  for (int exponent = -1074; exponent < 1024; ++exponent)
    numbers.push_back(std::ldexp(1.0, exponent));
  for (int exponent = -30; exponent < 30; ++exponent) numbers.push_back(std::pow(10.0, exponent));
  for (int tie = 1; tie < 200; ++tie) numbers.push_back(tie / 128.0);  // with six decimals: a tie
  return numbers;
}

// One line of PHP's for each number $n, in one run.
std::vector<std::string> phps_lines(const std::vector<double>& numbers, const std::string& code) {
  const support::Folder folder;
  const std::string bytes(reinterpret_cast<const char*>(numbers.data()),
                          numbers.size() * sizeof(double));
  const std::string file = folder.write("numbers", bytes);
  return support::lines_of(
      php("foreach (unpack('d*', file_get_contents('" + file + "')) as $n) { " + code + " }"));
}

}  // namespace

TEST_CASE("PHP reads each of our texts as the value it is of, and writes the same text") {
  std::string code = classes;
  for (const Pair& pair : pairs) code += check_of(pair);
  const auto lines = support::lines_of(php(code));
  REQUIRE(lines.size() == pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CAPTURE(pairs[i].phps);
    CHECK(lines[i] == "same");
  }
}

TEST_CASE("NAN and the negative zero, which equal too little or too much, are PHP's too") {
  CHECK(php("var_dump(is_nan(unserialize('" + serialize(Double::quiet_NaN()) + "')));") ==
        "bool(true)\n");
  CHECK(php("var_dump(unserialize('" + serialize(-0.0) + "'));") == "float(-0)\n");
}

TEST_CASE("Thousands of floats of every size have PHP's digits") {
  const auto numbers = floats();
  const auto lines = phps_lines(numbers, "echo serialize($n), \"\\n\";");
  REQUIRE(lines.size() == numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) REQUIRE(serialize(numbers[i]) == lines[i]);
}

// PHP's own raw form, taken from messages.
TEST_CASE_METHOD(support::Scratch, "Thousands of floats are sent raw with PHP's six decimals") {
  const auto numbers = floats();
  const auto lines = phps_lines(
      numbers, "$q = msg_get_queue(" + std::to_string(scratch.number()) +
                   "); msg_send($q, 1, $n, false); msg_receive($q, 0, $type, 400, $m, false); "
                   "echo $m, \"\\n\";");
  REQUIRE(lines.size() == numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) REQUIRE(sysv::raw(numbers[i]) == lines[i]);
}
