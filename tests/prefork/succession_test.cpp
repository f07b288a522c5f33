#include "prefork/succession.hpp"

#include "support/catch.hpp"

using prefork::Succession;

TEST_CASE("Nobody is replaced before it was wanted") {
  Succession succession(2);
  CHECK_FALSE(succession.next());
  CHECK_FALSE(succession.ready(100));
  CHECK(succession.idle());
}

TEST_CASE("An old worker is retired when its heir is ready, and only then, and once") {
  Succession succession(1);
  succession.want(1);
  CHECK(succession.next() == 1);
  succession.started(1, 101);
  CHECK(succession.awaits(101));
  CHECK_FALSE(succession.ready(999));
  CHECK(succession.ready(101) == 1);
  CHECK_FALSE(succession.awaits(101));
  CHECK_FALSE(succession.ready(101));
}

TEST_CASE("A turn lasts until the old one has gone") {
  Succession succession(2);
  for (const pid_t old : {1, 2, 3}) succession.want(old);
  succession.started(*succession.next(), 101);
  succession.started(*succession.next(), 102);
  CHECK_FALSE(succession.next());
  succession.ready(101);
  CHECK_FALSE(succession.next());
  succession.left(1);
  CHECK(succession.next() == 3);
}

TEST_CASE("Who is wanted twice is replaced once") {
  Succession succession(2);
  succession.want(1);
  succession.want(1);
  succession.started(1, 101);
  succession.want(1);
  CHECK_FALSE(succession.next());
  succession.ready(101);
  succession.want(1);
  CHECK_FALSE(succession.next());
}

TEST_CASE("An heir that dies leaves the old one in its place, first in the row") {
  Succession succession(1);
  succession.want(1);
  succession.want(2);
  succession.started(1, 101);
  succession.left(101);
  CHECK(succession.next() == 1);
  succession.started(1, 102);
  CHECK(succession.ready(102) == 1);
}

TEST_CASE(
    "An old one that dies by itself gives its turn back, and its heir is a worker like others") {
  Succession succession(1);
  succession.want(1);
  succession.want(2);
  succession.started(1, 101);
  succession.left(1);
  CHECK_FALSE(succession.awaits(101));
  CHECK_FALSE(succession.ready(101));
  CHECK(succession.next() == 2);
  succession.left(2);
  CHECK(succession.idle());
}

TEST_CASE("An heir that was ready and dies changes nothing any more") {
  Succession succession(1);
  succession.want(1);
  succession.started(1, 101);
  succession.ready(101);
  succession.left(101);
  CHECK_FALSE(succession.next());
  succession.left(1);
  CHECK(succession.idle());
}
