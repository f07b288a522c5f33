#pragma once

#include <string>

namespace interop {

// PHP code: $values has one of every type, and of what is easily got wrong.
inline const std::string values_of_every_type =
    "class P { public $a = 1; private $b = 2.5; protected $c = [3]; } "
    "enum E: string { case A = 'a'; } enum Suit { case Hearts; } $o = new P; $r = [1]; "
    "$values = [null, true, false, 0, -5, PHP_INT_MAX, PHP_INT_MIN, 0.1, -0.0, 1e25, 1e-5, INF, "
    "-INF, NAN, '', 'tea', \"\\0\\xff\", 'say \"hi\";', [], [1, [2, ['x' => null]]], "
    "['a' => 1, 5 => 2.5, '05' => true, '' => 0], new P, new ArrayObject([1]), E::A, "
    "Suit::Hearts, [E::A, E::A], [$o, $o], [&$r, &$r]]; ";
constexpr int number_of_types = 28;

}  // namespace interop
