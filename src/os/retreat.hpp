#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "os/descriptor.hpp"
#include "os/handover.hpp"
#include "os/inheritance.hpp"

namespace os {

// The way back from a reload that fails where no trial could see it. The image that is about to be
// replaced leaves, with the rest that it hands over, itself (the very file that runs, whatever
// stands at its path by then) and its configuration. Until the next image has settled
// (Inheritance::settle), all of that is as it was: if something fails by then, the image before
// runs again, in the same process, with the same belongings, and knows why
// (Inheritance::refusal). To an image that has come back there is no way back: no loop.
//
//   os::Retreat retreat(configuration);         // the image before
//   retreat.hand_over(handover);
//   handover.exec(program, words);
//
//   os::Retreat::beat(inheritance, words, why);  // the next one, where it fails
class Retreat {
 public:
  // Throws std::system_error.
  explicit Retreat(std::string_view configuration);

  void hand_over(Handover& handover) const;

  // Lets the image before run again. Returns only if there is none to go back to, or it cannot run;
  // that is then the end of `why`, and there is no way back any more.
  static void beat(Inheritance& inheritance, const std::vector<std::string>& words,
                   std::string& why);

 private:
  Descriptor image_;
  Descriptor configuration_;
};

}  // namespace os
