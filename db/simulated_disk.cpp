#include "db/simulated_disk.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "db/disk_shim.hpp"

namespace cellrig::db {
namespace {

constexpr std::int64_t sector_bytes = 512;

/// A write or a truncation that no sync has followed, with what it takes to undo it.
struct Change {
  std::int64_t at = 0;  ///< offset of a write; the new size of a truncation
  bool is_truncation = false;
  std::string bytes;
  std::string before;  ///< what was there, as far as there was something
  std::int64_t size_before = 0;
};

struct FileState {
  sqlite3_file* real = nullptr;  ///< any that is open on it
  std::vector<Change> unsynced;
};

std::int64_t size_of(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  return file->pMethods->xFileSize(file, &size) == SQLITE_OK ? size : 0;
}

std::string read(sqlite3_file* file, std::int64_t at, std::int64_t count) {
  std::string bytes(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)), '\0');
  if (!bytes.empty()) (void)file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), at);
  return bytes;
}

void put(sqlite3_file* file, std::int64_t at, std::string_view bytes) {
  if (!bytes.empty()) (void)file->pMethods->xWrite(file, bytes.data(), static_cast<int>(bytes.size()), at);
}

void undo(const Change& change, sqlite3_file* file) {
  put(file, change.at, change.before);
  (void)file->pMethods->xTruncate(file, change.size_before);
}

void redo(const Change& change, sqlite3_file* file, bool is_torn, std::mt19937_64& random) {
  if (change.is_truncation) {
    (void)file->pMethods->xTruncate(file, change.at);
    return;
  }
  if (!is_torn) return put(file, change.at, change.bytes);
  // Sectors are the disk's: they begin where the file's offset does, wherever the write began.
  const auto size = static_cast<std::int64_t>(change.bytes.size());
  for (std::int64_t from = 0, end = 0; from < size; from = end) {
    end = std::min(size, from + sector_bytes - (change.at + from) % sector_bytes);
    const bool arrives = random() % 4 != 0;
    const std::string_view sector{change.bytes.data() + from, static_cast<std::size_t>(end - from)};
    if (arrives) put(file, change.at + from, sector);
  }
}

}  // namespace

class SimulatedDisk::Shim final : public DiskShim {
 public:
  void sync_takes(Duration duration) {
    const std::scoped_lock lock(mutex_);
    sync_takes_ = duration;
    hurry_.notify_all();
  }
  void fail(bool writes, bool syncs) {
    const std::scoped_lock lock(mutex_);
    writes_fail_ = writes;
    syncs_fail_ = syncs;
  }
  void lose_power(UnsyncedWrites unsynced, std::uint64_t seed) {
    const std::scoped_lock lock(mutex_);
    std::mt19937_64 random{seed};
    for (auto& [name, file] : files_) {
      if (file.real == nullptr) continue;
      for (auto change = file.unsynced.rbegin(); change != file.unsynced.rend(); ++change) undo(*change, file.real);
      for (const Change& change : file.unsynced) {
        const bool is_chosen = unsynced == UnsyncedWrites::kept || random() % 2 == 0;
        if (unsynced != UnsyncedWrites::dropped && is_chosen) redo(change, file.real, unsynced == UnsyncedWrites::torn, random);
      }
      file.unsynced.clear();
    }
    has_power_ = false;
    hurry_.notify_all();
  }

 private:
  int write(sqlite3_file* real, std::string_view name, const void* bytes, int count, sqlite3_int64 at) override {
    const std::scoped_lock lock(mutex_);
    if (!has_power_ || writes_fail_) return SQLITE_IOERR_WRITE;
    const std::int64_t size = size_of(real);
    file_of(real, name)
        .unsynced.push_back({.at = at,
                             .bytes{static_cast<const char*>(bytes), static_cast<std::size_t>(count)},
                             .before = read(real, at, std::min<std::int64_t>(count, size - at)),
                             .size_before = size});
    return DiskShim::write(real, name, bytes, count, at);
  }
  int truncate(sqlite3_file* real, std::string_view name, sqlite3_int64 size) override {
    const std::scoped_lock lock(mutex_);
    if (!has_power_ || writes_fail_) return SQLITE_IOERR_TRUNCATE;
    const std::int64_t before = size_of(real);
    file_of(real, name)
        .unsynced.push_back(
            {.at = size, .is_truncation = true, .before = read(real, size, before - size), .size_before = before});
    return DiskShim::truncate(real, name, size);
  }
  int sync(sqlite3_file* real, std::string_view name, int flags) override {
    std::unique_lock lock(mutex_);
    const Duration meant = sync_takes_;
    hurry_.wait_for(lock, meant, [&] { return sync_takes_ < meant || !has_power_; });
    if (!has_power_ || syncs_fail_) return SQLITE_IOERR_FSYNC;
    file_of(real, name).unsynced.clear();
    lock.unlock();
    return DiskShim::sync(real, name, flags);
  }
  int close(sqlite3_file* real, std::string_view name) override {
    const std::scoped_lock lock(mutex_);
    const auto known = files_.find(name);
    if (known != files_.end() && known->second.real == real) known->second.real = nullptr;
    return DiskShim::close(real, name);
  }
  void before_delete(std::string_view name) override {
    const std::scoped_lock lock(mutex_);
    const auto known = files_.find(name);
    if (known != files_.end()) files_.erase(known);
  }

  FileState& file_of(sqlite3_file* real, std::string_view name) {
    FileState& file = files_[std::string(name)];
    file.real = real;
    return file;
  }

  std::mutex mutex_;
  std::condition_variable hurry_;  ///< of syncs that need not take so long any more
  std::map<std::string, FileState, std::less<>> files_;
  Duration sync_takes_{};
  bool writes_fail_ = false;
  bool syncs_fail_ = false;
  bool has_power_ = true;
};

SimulatedDisk::SimulatedDisk() : shim_{std::make_unique<Shim>()} {}
SimulatedDisk::~SimulatedDisk() = default;
void SimulatedDisk::sync_takes(Duration duration) { shim_->sync_takes(duration); }
void SimulatedDisk::fail(bool writes, bool syncs) { shim_->fail(writes, syncs); }
void SimulatedDisk::lose_power(UnsyncedWrites unsynced, std::uint64_t seed) { shim_->lose_power(unsynced, seed); }

}  // namespace cellrig::db
