#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bench {

// What one process of a race does. It runs in a child, says with ready() that it is prepared and
// waits for the start, does its turns, and says with done() that it has. A PHP script does the same
// with its standard streams: a byte out, a byte in, a byte out.
using Racer = std::function<void(long turns)>;

void ready();
void done();

// A PHP script as a racer; `turns` and `arguments` are its $argv[1] and what follows.
Racer php(std::string script, std::vector<std::string> arguments);

// Nanoseconds per turn: from the start until the last of the processes is done, over all turns.
// Throws std::runtime_error when one of them fails.
double race(int processes, long turns_each, const Racer& racer);

}  // namespace bench
