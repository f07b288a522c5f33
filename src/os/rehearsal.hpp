#pragma once

#include <functional>

namespace os {

// Does in a child of its own what would change this process for good, and waits for its end: to
// learn from the master whether workers, who have less power, will be able to start. What `act`
// throws there is thrown here as a std::runtime_error of the same words.
void rehearse(const std::function<void()>& act);

}  // namespace os
