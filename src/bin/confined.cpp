#include "bin/confined.hpp"

#include <exception>
#include <string>

#include "os/log.hpp"
#include "os/rehearsal.hpp"
#include "os/sandbox.hpp"

namespace {

bool sandbox_works(const os::Confinement& confinement) try {
  if (confinement.seccomp) os::rehearse(os::enter_sandbox);
  return confinement.seccomp;
} catch (const std::exception& error) {
  os::log(os::Level::warning, std::string("workers go without a sandbox (visits.seccomp = no says "
                                          "that this is meant): ") +
                                  error.what());
  return false;
}

}  // namespace

Confined::Confined(const os::Confinement& confinement)
    : privileges_(confinement), sandbox_(sandbox_works(confinement)) {
  for (const std::string& notice : privileges_.notices()) os::log(os::Level::notice, notice);
}

void Confined::enter_sandbox() const {
  if (sandbox_) os::enter_sandbox();
}
