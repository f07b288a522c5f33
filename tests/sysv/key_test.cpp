#include "sysv/key.hpp"
#include "support/catch.hpp"
