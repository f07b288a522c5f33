#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "os/descriptor.hpp"
#include "os/handover.hpp"

namespace os {

// What this process was started with besides its words: what the image before this one handed over
// (os::Handover), and sockets that systemd made for it (LISTEN_FDS). Nothing of it is believed
// that does not prove true: it must be addressed to this very process, each descriptor must be the
// file that it is said to be, each child must be a child. What is not believed is said in the log.
class Inheritance {
 public:
  static constexpr const char* of_systemd = "systemd";  // the name of each of its sockets

  // An inheritance of nothing.
  Inheritance() = default;

  // Takes what the environment names, and removes those variables. To be called before this process
  // opens a descriptor or starts a child.
  static Inheritance claim();

  // Whether an image before this one was at work in this process.
  bool is_succession() const { return succession_; }

  struct Heirloom {
    Descriptor fd;  // closed on exec
    std::string note;
  };
  using Test = std::function<bool(const Heirloom&)>;

  // The first of that name that passes the test; none if there is none.
  std::optional<Heirloom> take(const std::string& name, const Test& test = {});

  // Children of the image before.
  const std::vector<pid_t>& children() const { return children_; }

  // What the image before said under that name; 0: nothing.
  std::uint64_t number(const std::string& name) const;

  // Closes what nobody has taken, and says so.
  void renounce();

 private:
  struct Named {
    std::string name;
    Heirloom heirloom;
  };

  void claim_handover();
  void claim_item(const Handover::Item& item);
  void claim_child(pid_t pid);
  void claim_sockets();

  bool succession_ = false;
  std::vector<Named> heirlooms_;
  std::vector<pid_t> children_;
  std::map<std::string, std::uint64_t> numbers_;
};

}  // namespace os
