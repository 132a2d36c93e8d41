// A disk whose n-th write, truncation or sync fails.
#pragma once

#include <limits>

#include "tests/db/hooked_disk.hpp"

namespace cellrig::db::test {

class FaultyDisk final : public HookedDisk {
 public:
  enum class What { anything, syncs };

  /// The n-th operation from now fails, and with is_for_ever every one after it.
  void fail_at(long long n, bool is_for_ever, What what = What::anything) {
    left_ = n;
    is_for_ever_ = is_for_ever;
    what_ = what;
    has_failed_ = false;
    syncs_after_failure_ = 0;
  }
  void heal() {
    left_ = std::numeric_limits<long long>::max();
    is_for_ever_ = false;
  }
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  /// Syncs that were asked for after the one that failed.
  [[nodiscard]] int syncs_after_failure() const { return syncs_after_failure_; }

 private:
  int before_write(std::string_view, const void*, int, sqlite3_int64) override {
    return what_ == What::anything && fails() ? SQLITE_IOERR_WRITE : SQLITE_OK;
  }
  int before_truncate(std::string_view, sqlite3_int64) override {
    return what_ == What::anything && fails() ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
  }
  int before_sync(std::string_view) override {
    if (has_failed_) ++syncs_after_failure_;
    return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  }
  bool fails() {
    if (--left_ > 0) return false;
    if (left_ < 0 && !is_for_ever_) return false;
    return has_failed_ = true;
  }

  long long left_ = std::numeric_limits<long long>::max();
  bool is_for_ever_ = false;
  What what_ = What::anything;
  bool has_failed_ = false;
  int syncs_after_failure_ = 0;
};

}  // namespace cellrig::db::test
