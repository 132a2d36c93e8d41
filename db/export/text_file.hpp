// A text file that appears under its name when it is whole, or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"

namespace cellrig::db {

struct ExportOptions {
  std::string path;
  bool overwrite = false;  ///< otherwise a file of this name is refused, also one that appears meanwhile
  /// Takes the text, piece by piece, in place of a file; `path` is of no account then. False: nobody wants more.
  std::function<bool(std::string_view)> sink{};
  /// Asked now and then: true ends the export with Fault::interrupted, and nothing of it is left.
  std::function<bool()> is_cancelled{};

  /// Asks only at every so many rows of a scan that writes nothing.
  [[nodiscard]] bool is_cancelled_at(std::uint64_t row) const {
    constexpr std::uint64_t rows_between_looks = 4096;
    return row % rows_between_looks == 0 && is_cancelled && is_cancelled();
  }
};

class TextFile {
 public:
  /// Writes to a temporary file beside `path`, or to the sink.
  [[nodiscard]] static Result<TextFile> create(const ExportOptions& options);

  TextFile(TextFile&& other) noexcept;
  TextFile& operator=(TextFile&&) = delete;
  ~TextFile();  ///< removes the temporary file unless finish() gave it its name

  /// Buffered; the first failure is kept for finish(). False: no use in going on.
  bool write(std::string_view text);
  /// Flushes, syncs, and gives the file its name.
  [[nodiscard]] Result<void> finish();

 private:
  TextFile(ExportOptions options, std::string temporary, int descriptor);
  void drain();

  ExportOptions options_;
  std::string temporary_;
  int descriptor_ = -1;
  std::string buffer_;
  std::optional<Error> failure_;
};

/// One line of comma-separated values. Numbers do not depend on the locale and read back exactly; NaN is an empty cell.
class CsvLine {
 public:
  void clear() { text_.clear(), is_first_ = true; }
  void text(std::string_view value);  ///< quoted when it has to be
  void integer(std::int64_t value);
  void real(double value);
  void seconds(std::int64_t nanoseconds);  ///< as a decimal fraction, exactly
  void empty() { separate(); }
  [[nodiscard]] std::string_view finish() {
    text_ += '\n';
    return text_;
  }

 private:
  void separate() {
    if (!is_first_) text_ += ',';
    is_first_ = false;
  }
  std::string text_;
  bool is_first_ = true;
};

}  // namespace cellrig::db
