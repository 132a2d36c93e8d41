#include "controller/runtime/lease.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace cellrig {
namespace {

/// Made only where it is missing: in a sticky directory the system refuses O_CREAT on a file of another user (protected_regular).
int open_shared(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0 && errno == ENOENT) descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor >= 0) (void)::fchmod(descriptor, 0666);
  return descriptor;
}

/// Counts one take more, in a file beside the lease, with the lease held. A counter that cannot be read as one, or not be
/// kept, is no fence.
Result<FencingToken> next_token(const std::string& path) {
  const int descriptor = open_shared(path);
  if (descriptor < 0) return fail(Fault::refused, "cannot open the counter " + path + ": " + std::strerror(errno));
  char text[32] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
  std::uint64_t last = 0;
  const auto [end, error] = std::from_chars(text, text + std::max<ssize_t>(size, 0), last);
  const bool is_counter = size == 0 || (size > 0 && error == std::errc{} && (*end == '\n' || *end == '\0'));
  const std::string next = std::to_string(last + 1) + "\n";
  const bool is_kept = is_counter && ::pwrite(descriptor, next.data(), next.size(), 0) == static_cast<ssize_t>(next.size());
  const std::string why =
      is_counter ? std::strerror(errno) : "it holds no number; remove it when no cellrig runs on this machine";
  ::close(descriptor);
  if (!is_kept) return fail(Fault::refused, "cannot count in " + path + ": " + why);
  return FencingToken{last + 1};
}

std::string file_name(const std::string& output) {
  std::string name = "output-";
  for (const char c : output) name += (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-') ? c : '_';
  return name + ".lease";
}

std::string read_holder(int descriptor) {
  char text[200] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof text - 1, 0);
  return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "another process";
}

}  // namespace

std::string Lease::default_directory() {
  if (const char* const chosen = std::getenv("CELLRIG_LEASE_DIR"); chosen != nullptr && *chosen != '\0') return chosen;
  if (::access("/run/lock", W_OK) == 0) return "/run/lock/cellrig";
  return "/tmp/cellrig-leases";  // not $TMPDIR: every user must find the same one
}

Result<Lease> Lease::take(const std::string& directory, const std::string& output) {
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(directory, error);
  if (error) return fail(Fault::refused, "cannot make the lease directory " + directory + ": " + error.message());
  // Every user of this machine competes for the same outputs.
  if (is_new) std::filesystem::permissions(directory, std::filesystem::perms::all | std::filesystem::perms::sticky_bit, error);
  const std::string path = directory + "/" + file_name(output);
  const int descriptor = open_shared(path);
  if (descriptor < 0) return fail(Fault::refused, "cannot open the lease " + path + ": " + std::strerror(errno));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = read_holder(descriptor);
    ::close(descriptor);
    return fail(Fault::busy, output + " is already controlled by " + holder);
  }
  const std::string text = "process " + std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, text.data(), text.size(), 0) < 0) {
    // The lock is what counts; the text only names us to the one who is refused.
  }
  const Result<FencingToken> token = next_token(path + ".token");
  if (!token) {
    ::close(descriptor);
    return token.error();
  }
  return Lease{descriptor, *token};
}

Lease::Lease(Lease&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)}, token_{other.token_} {}

Lease::~Lease() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace cellrig
