#include "bin/run.hpp"

int main(int argc, char** argv) { return run(Words(argv, static_cast<std::size_t>(argc))); }
