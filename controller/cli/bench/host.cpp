#include "controller/cli/bench/host.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace cellrig::cli {

std::string login_name() {
  const passwd* const entry = ::getpwuid(::geteuid());
  return entry != nullptr && entry->pw_name != nullptr ? entry->pw_name : fmt::format("uid {}", ::geteuid());
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

}  // namespace cellrig::cli
