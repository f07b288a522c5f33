#include "prefork/premises.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace prefork {
namespace {

constexpr const char* listening_socket = "listen";
constexpr const char* status_socket = "status";
constexpr const char* relay_sending = "relay, sending";
constexpr const char* relay_receiving = "relay, receiving";

// The next image goes on with a socket as what it was, and until it settles it closes none.
void rehearse_listening(const os::Endpoint& endpoint, const os::Handover& held,
                        const std::string& name, const std::string& other) {
  const std::string& address = endpoint.address;
  if (os::Listener::is_in(held, name, address)) return;
  if (os::Listener::is_in(held, other, address)) {
    throw std::runtime_error("listen " + address + ": the pool listens there already, for " +
                             (other == status_socket ? "its status pages" : "requests") +
                             "; move those in a reload before this one");
  }
  os::Listener{endpoint};
}

}  // namespace

Premises::Premises(const Settings& settings, os::Inheritance& inheritance) {
  if (!settings.interlock.empty()) interlock_.emplace(settings.interlock, inheritance);
  if (!settings.pid_file.empty()) pid_file_.emplace(settings.pid_file, inheritance);
  if (settings.pid_file.empty()) os::PidFile::give_up(inheritance);
  listener_.emplace(settings.endpoint, inheritance, listening_socket);
  if (settings.status) status_.emplace(*settings.status, inheritance, status_socket);
  auto sending = inheritance.take(relay_sending);
  auto receiving = inheritance.take(relay_receiving);
  if (sending && receiving) {
    relay_.emplace(std::move(sending->fd), std::move(receiving->fd));
  } else {
    relay_.emplace();
  }
}

void Premises::rehearse(const Settings& settings, const os::Handover& held) {
  const std::string& name = settings.interlock;
  const std::string& path = settings.pid_file;
  if (!name.empty() && !os::Interlock::is_in(held, name)) os::Interlock{name};
  if (!path.empty() && !os::PidFile::is_in(held, path)) os::PidFile{path};
  rehearse_listening(settings.endpoint, held, listening_socket, status_socket);
  if (settings.status) rehearse_listening(*settings.status, held, status_socket, listening_socket);
}

void Premises::give_up(os::Inheritance& inheritance) {
  os::PidFile::give_up(inheritance);
  os::Listener::give_up(inheritance, listening_socket);
  os::Listener::give_up(inheritance, status_socket);
}

void Premises::hand_over(os::Handover& handover) const {
  if (interlock_) interlock_->hand_over(handover);
  if (pid_file_) pid_file_->hand_over(handover);
  listener_->hand_over(handover, listening_socket);
  if (status_) status_->hand_over(handover, status_socket);
  handover.give(relay_sending, relay_->sending_fd());
  handover.give(relay_receiving, relay_->receiving_fd());
}

}  // namespace prefork
