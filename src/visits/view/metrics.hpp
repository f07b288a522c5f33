#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "visits/view/snapshot.hpp"

namespace visits::view {

// A page without its numbers: all its text, and where in it a number stands.
struct Form {
  std::string text;
  std::vector<std::size_t> gaps;
};

// The pool in OpenMetrics 1.0, every sample with the label `pool`. A scrape comes often, and of its
// page only the numbers change: the rest is written once, and the numbers are filled in.
class Metrics {
 public:
  explicit Metrics(std::string version) : version_(std::move(version)) {}

  std::string page(const Snapshot& snapshot);

 private:
  bool fits(const Snapshot& snapshot) const;

  std::string version_;
  std::string pool_;
  bool has_queue_ = false;
  Form form_;  // for that pool, with a queue or without; empty: none yet
};

}  // namespace visits::view
