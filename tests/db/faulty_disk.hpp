// A disk whose n-th write, truncation or sync fails: SQLite's default file system with a counter in front.
#pragma once

#include <cstring>
#include <limits>
#include <new>

#include "db/sqlite.hpp"

namespace cellrig::db::test {

/// While it lives, every database opened in this process goes through it. One at a time.
class FaultyDisk {
 public:
  FaultyDisk() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &FaultyDisk::open;
    vfs_.pAppData = this;
    sqlite3_vfs_register(&vfs_, 1);
    current_ = this;
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&vfs_);
    current_ = nullptr;
  }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// The n-th operation from now fails, and with is_for_ever every one after it.
  void fail_at(long long n, bool is_for_ever) {
    left_ = n;
    is_for_ever_ = is_for_ever;
    has_failed_ = false;
  }
  void heal() {
    left_ = std::numeric_limits<long long>::max();
    is_for_ever_ = false;
  }
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* real;
  };
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }
  static bool fails() {
    FaultyDisk& disk = *current_;
    if (--disk.left_ > 0) return false;
    if (disk.left_ < 0 && !disk.is_for_ever_) return false;
    return disk.has_failed_ = true;
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto* wrapper = reinterpret_cast<File*>(file);
    wrapper->base.pMethods = nullptr;
    wrapper->real = reinterpret_cast<sqlite3_file*>(wrapper + 1);
    const int code = current_->real_->xOpen(current_->real_, name, wrapper->real, flags, out_flags);
    if (wrapper->real->pMethods != nullptr) wrapper->base.pMethods = methods();
    return code;
  }
  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods table = [] {
      sqlite3_io_methods m{};
      m.iVersion = 2;
      m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
      m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), to, n, at); };
      m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
        if (fails()) {
          (void)real(f)->pMethods->xWrite(real(f), from, n / 2, at);  // half of it arrived
          return SQLITE_IOERR_WRITE;
        }
        return real(f)->pMethods->xWrite(real(f), from, n, at);
      };
      m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
        return fails() ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
      };
      // Not passed on: this is about the order of calls, and a thousand real syncs take long.
      m.xSync = [](sqlite3_file*, int) { return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK; };
      m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); };
      m.xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); };
      m.xUnlock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); };
      m.xCheckReservedLock = [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); };
      m.xFileControl = [](sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); };
      m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
      m.xDeviceCharacteristics = [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); };
      m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
        return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
      };
      m.xShmLock = [](sqlite3_file* f, int at, int n, int flags) { return real(f)->pMethods->xShmLock(real(f), at, n, flags); };
      m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
      m.xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); };
      return m;
    }();
    return &table;
  }

  inline static FaultyDisk* current_ = nullptr;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  long long left_ = std::numeric_limits<long long>::max();
  bool is_for_ever_ = false;
  bool has_failed_ = false;
};

}  // namespace cellrig::db::test
