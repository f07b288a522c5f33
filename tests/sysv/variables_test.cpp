#include "sysv/variables.hpp"
#include "support/catch.hpp"
