#include "sysv/segment.hpp"
#include "support/catch.hpp"
