#include "db/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <thread>

namespace cellrig::db {

namespace {

std::string holder_line() {
  std::array<char, 32> started{};
  const std::time_t now = std::time(nullptr);  // a label for the person who reads the refusal
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(started.data(), started.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return "pid " + std::to_string(getpid()) + " since " + started.data() + "\n";
}

std::string read_holder(int descriptor) {
  std::array<char, 128> text{};
  const ssize_t size = pread(descriptor, text.data(), text.size(), 0);
  if (size <= 0) return "an unknown process";
  std::string holder(text.data(), static_cast<std::size_t>(size));
  if (holder.ends_with('\n')) holder.pop_back();
  return holder;
}

/// A reader that looks whether the lock is held has it for a moment.
int lock_patiently(int descriptor) {
  constexpr int attempts_max = 100;
  constexpr std::chrono::milliseconds pause{1};
  for (int attempt = 1;; ++attempt) {
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK || attempt == attempts_max) return -1;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

bool LockFile::is_held(const std::string& database) {
  const int descriptor = ::open((database + ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;  // a copy, or a place where nobody ever wrote
  const bool is_free = flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  const bool is_held = !is_free && errno == EWOULDBLOCK;
  ::close(descriptor);
  return is_held;
}

Result<LockFile> LockFile::acquire(const std::string& database) {
  const std::string path = database + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0) return fail(Fault::refused, "cannot open the lock file " + path + ": " + std::strerror(errno));
  LockFile lock(descriptor);
  if (lock_patiently(descriptor) != 0) {
    if (errno != EWOULDBLOCK) return fail(Fault::refused, "cannot lock " + path + ": " + std::strerror(errno));
    Error error = fail(Fault::busy, database + " is being written by another cellrig (" + read_holder(descriptor) + ")");
    lock.descriptor_ = -1;
    ::close(descriptor);  // not release(): the text in it is the holder's
    return error;
  }
  const std::string line = holder_line();
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    return fail(Fault::device_fault, "cannot write the lock file " + path + ": " + std::strerror(errno));
  }
  return lock;
}

void LockFile::release() {
  if (descriptor_ < 0) return;
  if (ftruncate(descriptor_, 0) != 0) {
    // A stale name in a free lock file harms nobody: only a refused writer reads it.
  }
  flock(descriptor_, LOCK_UN);  // not left to close(): a forked child may hold a copy of the descriptor
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace cellrig::db
