// A disk that remembers every write and sync, and can say what would be left of the files if the power failed at any of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <vector>

#include "tests/db/hooked_disk.hpp"

namespace cellrig::db::test {

struct DiskOperation {
  enum class Kind { write, truncate, sync, remove };
  Kind kind{};
  std::string file;
  std::int64_t at = 0;  ///< offset of a write, size of a truncation
  std::string bytes;
};

class LoggedDisk final : public HookedDisk {
 public:
  [[nodiscard]] std::size_t operations() const {
    const std::scoped_lock lock(mutex_);
    return log_.size();
  }
  [[nodiscard]] std::vector<DiskOperation> log() const {
    const std::scoped_lock lock(mutex_);
    return log_;
  }

 private:
  int before_write(std::string_view file, const void* bytes, int count, sqlite3_int64 at) override {
    return keep({DiskOperation::Kind::write, std::string(file), at,
                 std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))});
  }
  int before_truncate(std::string_view file, sqlite3_int64 size) override {
    return keep({DiskOperation::Kind::truncate, std::string(file), size, {}});
  }
  int before_sync(std::string_view file) override { return keep({DiskOperation::Kind::sync, std::string(file), 0, {}}); }
  void before_delete(std::string_view file) override { (void)keep({DiskOperation::Kind::remove, std::string(file), 0, {}}); }
  int keep(DiskOperation operation) {
    const std::scoped_lock lock(mutex_);
    log_.push_back(std::move(operation));
    return SQLITE_OK;
  }

  mutable std::mutex mutex_;  // the recorder's thread writes, the test asks
  std::vector<DiskOperation> log_;
};

/// What became of writes that no sync had followed.
enum class Unsynced {
  dropped,  ///< none arrived
  kept,     ///< all arrived
  some,     ///< any of them, in any order: later ones without earlier ones
  torn,     ///< the same, and of some only some sectors
  last,     ///< the last one of each file, and none before it
  late,     ///< all but the first one of each file
};

/// The files as the log goes on.
class DiskReplay {
 public:
  void apply(const DiskOperation& operation) {
    File& file = files_[operation.file];
    switch (operation.kind) {
      case DiskOperation::Kind::write:
      case DiskOperation::Kind::truncate: file.unsynced.push_back(&operation); break;
      case DiskOperation::Kind::sync:
        for (const DiskOperation* pending : file.unsynced) perform(*pending, file.durable);
        file.unsynced.clear();
        file.exists = true;  // SQLite syncs the directory with the first sync of a file
        break;
      case DiskOperation::Kind::remove: files_.erase(operation.file); break;
    }
  }

  /// Only then there is an order that could be another.
  [[nodiscard]] bool has_several_unsynced() const {
    return std::any_of(files_.begin(), files_.end(), [](const auto& file) { return file.second.unsynced.size() > 1; });
  }

  /// Writes what is left into `rename(file)`.
  void write_files(Unsynced unsynced, std::mt19937& random, const std::function<std::string(const std::string&)>& rename) const {
    for (const auto& [name, file] : files_) {
      std::string image = file.durable;
      std::vector<const DiskOperation*> arrived = file.unsynced;
      if (unsynced == Unsynced::dropped) arrived.clear();
      const bool is_reordered = unsynced == Unsynced::some || unsynced == Unsynced::torn;
      if (is_reordered) std::erase_if(arrived, [&random](const DiskOperation*) { return random() % 2 == 0; });
      if (unsynced == Unsynced::last && !arrived.empty()) arrived.erase(arrived.begin(), arrived.end() - 1);
      if (unsynced == Unsynced::late && !arrived.empty()) arrived.erase(arrived.begin());
      for (const DiskOperation* operation : arrived) {
        if (unsynced == Unsynced::torn && operation->kind == DiskOperation::Kind::write) {
          perform_torn(*operation, image, random);
        } else {
          perform(*operation, image);
        }
      }
      if (!file.exists && arrived.empty()) continue;
      std::ofstream(rename(name), std::ios::binary) << image;
    }
  }

 private:
  struct File {
    std::string durable;
    std::vector<const DiskOperation*> unsynced;
    bool exists = false;
  };

  static void put(std::string& image, std::int64_t at, std::string_view bytes) {
    const auto end = static_cast<std::size_t>(at) + bytes.size();
    if (image.size() < end) image.resize(end);
    std::copy(bytes.begin(), bytes.end(), image.begin() + at);
  }
  static void perform(const DiskOperation& operation, std::string& image) {
    if (operation.kind == DiskOperation::Kind::truncate) {
      image.resize(static_cast<std::size_t>(operation.at));
    } else {
      put(image, operation.at, operation.bytes);
    }
  }
  static void perform_torn(const DiskOperation& operation, std::string& image, std::mt19937& random) {
    // Sectors are the disk's: they begin where the file's offset does, wherever the write began.
    constexpr std::size_t sector_bytes = 512;
    const auto at = static_cast<std::size_t>(operation.at);
    for (std::size_t from = 0, end = 0; from < operation.bytes.size(); from = end) {
      end = std::min(operation.bytes.size(), from + sector_bytes - (at + from) % sector_bytes);
      if (random() % 4 == 0) continue;
      put(image, static_cast<std::int64_t>(at + from), std::string_view(operation.bytes).substr(from, end - from));
    }
  }

  std::map<std::string, File> files_;
};

}  // namespace cellrig::db::test
