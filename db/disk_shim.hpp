// SQLite's default file system with a hook around whatever changes a file: for disks that fail, forget or hang. Simulated runs and
// tests only.
#pragma once

#include <string_view>

#include "db/sqlite.hpp"

namespace cellrig::db {

/// While it lives, every database opened in this process goes through it. One at a time.
class DiskShim {
 public:
  DiskShim() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "shim";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = &DiskShim::open;
    vfs_.xDelete = &DiskShim::remove;
    vfs_.pAppData = this;
    sqlite3_vfs_register(&vfs_, 1);
    current_ = this;
  }
  virtual ~DiskShim() {
    sqlite3_vfs_unregister(&vfs_);
    current_ = nullptr;
  }
  DiskShim(const DiskShim&) = delete;
  DiskShim& operator=(const DiskShim&) = delete;

 protected:
  // Each does it to the real file, or does not, and returns what SQLite is told. Called by whatever thread uses the database.
  virtual int write(sqlite3_file* real, std::string_view /*file*/, const void* bytes, int count, sqlite3_int64 at) {
    return real->pMethods->xWrite(real, bytes, count, at);
  }
  virtual int truncate(sqlite3_file* real, std::string_view /*file*/, sqlite3_int64 size) {
    return real->pMethods->xTruncate(real, size);
  }
  virtual int sync(sqlite3_file* real, std::string_view /*file*/, int flags) { return real->pMethods->xSync(real, flags); }
  virtual int close(sqlite3_file* real, std::string_view /*file*/) { return real->pMethods->xClose(real); }
  virtual void before_delete(std::string_view /*file*/) {}

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* real;
    const char* name;  ///< SQLite keeps it until the file is closed
  };
  static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }
  static std::string_view name(sqlite3_file* file) {
    const char* const name = reinterpret_cast<File*>(file)->name;
    return name == nullptr ? std::string_view{} : std::string_view{name};
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto* wrapper = reinterpret_cast<File*>(file);
    wrapper->base.pMethods = nullptr;
    wrapper->name = name;
    wrapper->real = reinterpret_cast<sqlite3_file*>(wrapper + 1);
    const int code = current_->real_->xOpen(current_->real_, name, wrapper->real, flags, out_flags);
    if (wrapper->real->pMethods != nullptr) wrapper->base.pMethods = methods();
    return code;
  }
  static int remove(sqlite3_vfs*, const char* name, int sync_directory) {
    current_->before_delete(name);
    return current_->real_->xDelete(current_->real_, name, sync_directory);
  }
  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods table = [] {
      sqlite3_io_methods m{};
      m.iVersion = 2;
      m.xClose = [](sqlite3_file* f) { return current_->close(real(f), name(f)); };
      m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), to, n, at); };
      m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
        return current_->write(real(f), name(f), from, n, at);
      };
      m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return current_->truncate(real(f), name(f), size); };
      m.xSync = [](sqlite3_file* f, int flags) { return current_->sync(real(f), name(f), flags); };
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

  inline static DiskShim* current_ = nullptr;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
};

}  // namespace cellrig::db
