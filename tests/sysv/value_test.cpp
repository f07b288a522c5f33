#include "sysv/value.hpp"
#include "support/catch.hpp"
