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
//
// Where the image before can be let run again (os::Retreat), it must find everything as it was:
// until settle() nothing that was handed over is let go of or removed.
class Inheritance {
 public:
  static constexpr const char* of_systemd = "systemd";  // the name of each of its sockets

  // What os::Retreat leaves. The second has a note only for the image before, again.
  static constexpr const char* image_before = "image before";
  static constexpr const char* configuration_before = "configuration before";

  // An inheritance of nothing.
  Inheritance() = default;

  // Takes what the environment names, and removes those variables. To be called before this process
  // opens a descriptor or starts a child.
  static Inheritance claim();

  // Whether an image before this one was at work in this process.
  bool is_succession() const { return succession_; }

  // Why the image after this one has failed, which has let this one run again; none: this one has
  // not run before. Its own configuration is then to be taken, as `configuration_before`.
  const std::optional<std::string>& refusal() const { return refusal_; }

  // All that was handed over, still open, as long as there is a way back; none: there is none.
  const std::optional<Handover>& unsettled() const { return unsettled_; }

  struct Heirloom {
    Descriptor fd;  // closed on exec
    std::string note;
  };
  using Test = std::function<bool(const Heirloom&)>;

  // The first of that name that passes the test; none if there is none. Throws std::system_error
  // when it cannot be open twice, as long as there is a way back.
  std::optional<Heirloom> take(const std::string& name, const Test& test = {});

  // Children of the image before.
  const std::vector<pid_t>& children() const { return children_; }

  // What the image before said under that name; 0: nothing.
  std::uint64_t number(const std::string& name) const;

  // To be done once there is no way back: at once, or at settle(). What it refers to must live
  // until then, if settle() is reached.
  void once_settled(std::function<void()> act);

  // This image serves from here on, and there is no way back. Closes what nobody has taken, and
  // says so.
  void settle();

  // This image has failed, and cannot go back either: all is there to be taken as at the beginning,
  // and what was to be done at settle() is forgotten.
  void lose_way_back();

 private:
  struct Named {
    std::string name;
    Heirloom heirloom;
  };

  void claim_handover();
  void claim_item(const Handover::Item& item);
  void claim_child(pid_t pid);
  void find_way_back(const Handover& handover);
  void claim_sockets();

  bool succession_ = false;
  std::optional<std::string> refusal_;
  std::optional<Handover> unsettled_;
  std::vector<std::function<void()>> acts_;  // to be done at settle()
  std::vector<Named> heirlooms_;
  std::vector<Named> taken_;  // before settle()
  std::vector<pid_t> children_;
  std::map<std::string, std::uint64_t> numbers_;
};

}  // namespace os
