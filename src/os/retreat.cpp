#include "os/retreat.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <optional>

#include "os/error.hpp"
#include "os/retry.hpp"

namespace os {
namespace {

constexpr std::size_t longest_reason = 1000;  // it travels in the environment, which has its limits

constexpr unsigned not_executable = 0x8;  // MFD_NOEXEC_SEAL: some kernels demand it, older ones
                                          // do not know it

Descriptor file_of(std::string_view text) {
  Descriptor file(memfd_create("configuration", MFD_CLOEXEC | not_executable));
  if (!file && errno == EINVAL) file = Descriptor(memfd_create("configuration", MFD_CLOEXEC));
  if (!file) fail("memfd_create");
  while (!text.empty()) {
    const ssize_t size = retry([&] { return write(file.get(), text.data(), text.size()); });
    if (size == -1) fail("write of the configuration");
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return file;
}

}  // namespace

Retreat::Retreat(std::string_view configuration)
    : image_(open("/proc/self/exe", O_PATH | O_CLOEXEC)), configuration_(file_of(configuration)) {
  if (!image_) fail("open of this program");
}

void Retreat::hand_over(Handover& handover) const {
  handover.give(Inheritance::image_before, image_.get());
  handover.give(Inheritance::configuration_before, configuration_.get());
}

void Retreat::beat(Inheritance& inheritance, const std::vector<std::string>& words,
                   std::string& why) {
  std::optional<Handover> handover = inheritance.unsettled();
  if (!handover) return;
  const auto image = handover->withdraw(Inheritance::image_before);
  handover->annotate(Inheritance::configuration_before,
                     why.empty() ? "no reason is known" : why.substr(0, longest_reason));
  try {
    handover->exec(image->fd, words);
  } catch (const std::exception& error) {
    why += std::string("; and there is no way back: ") + error.what();
    inheritance.lose_way_back();
  }
}

}  // namespace os
