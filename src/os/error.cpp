#include "os/error.hpp"

#include <cerrno>
#include <system_error>

namespace os {
namespace {

// "WHAT: REASON" is put together by std::system_error; the hint has to follow the reason.
class Hinted : public std::system_error {
 public:
  Hinted(int code, const std::string& what, const std::string& hint)
      : system_error(code, std::generic_category(), what),
        text_(std::string(system_error::what()) + " (" + hint + ")") {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

}  // namespace

void fail(const std::string& what, const std::string& hint) {
  const int code = errno;
  if (hint.empty()) throw std::system_error(code, std::generic_category(), what);
  throw Hinted(code, what, hint);
}

}  // namespace os
