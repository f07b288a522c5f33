// Catch2 version 2 is one header; this compiles its implementation once. Version 3 is a library.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
