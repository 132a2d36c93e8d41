// A disk with a question before whatever changes a file.
#pragma once

#include <string_view>

#include "db/disk_shim.hpp"

namespace cellrig::db::test {

class HookedDisk : public DiskShim {
 protected:
  /// SQLITE_OK: it is done, by the real file. Anything else is what SQLite is told; of a write half arrives first.
  virtual int before_write(std::string_view /*file*/, const void* /*bytes*/, int /*count*/, sqlite3_int64 /*at*/) {
    return SQLITE_OK;
  }
  virtual int before_truncate(std::string_view /*file*/, sqlite3_int64 /*size*/) { return SQLITE_OK; }
  /// Never passed on: these tests are about the order of calls, and a thousand real syncs take long.
  virtual int before_sync(std::string_view /*file*/) { return SQLITE_OK; }

 private:
  int write(sqlite3_file* real, std::string_view file, const void* bytes, int count, sqlite3_int64 at) final {
    const int code = before_write(file, bytes, count, at);
    if (code == SQLITE_OK) return DiskShim::write(real, file, bytes, count, at);
    (void)DiskShim::write(real, file, bytes, count / 2, at);
    return code;
  }
  int truncate(sqlite3_file* real, std::string_view file, sqlite3_int64 size) final {
    const int code = before_truncate(file, size);
    return code != SQLITE_OK ? code : DiskShim::truncate(real, file, size);
  }
  int sync(sqlite3_file*, std::string_view file, int) final { return before_sync(file); }
};

}  // namespace cellrig::db::test
