#include "controller/cli/text/standard_error.hpp"

#include <poll.h>
#include <unistd.h>

namespace cellrig::cli {

void tell_without_waiting(const std::string& text) {
  pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody reads any more
}

}  // namespace cellrig::cli
