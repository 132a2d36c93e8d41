// One database, one writer: a lock beside the database that ends with the process, however it ends.
#pragma once

#include <string>
#include <utility>

#include "controller/base/result.hpp"

namespace cellrig::db {

/// Holds `database` + ".lock" with flock(2). The file names the holder and stays behind, empty, when it is released:
/// removing it would let two processes hold two files of the same name.
class LockFile {
 public:
  [[nodiscard]] static Result<LockFile> acquire(const std::string& database);

  /// Whether somebody holds it at this moment. It is looked at with a shared lock, for some microseconds: acquire() tries a few
  /// times before it believes in another writer.
  [[nodiscard]] static bool is_held(const std::string& database);

  LockFile() = default;
  LockFile(LockFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  LockFile& operator=(LockFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~LockFile() { release(); }

  void release();

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace cellrig::db
