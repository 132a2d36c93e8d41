#include "db/export/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

namespace cellrig::db {

namespace {

constexpr std::size_t buffer_bytes = 1 << 16;

Error file_error(const std::string& doing, int code) {
  return fail(code == EEXIST ? Fault::refused : Fault::device_fault, doing + ": " + std::strerror(code));
}

Error exists(const std::string& path) {
  return fail(Fault::refused, path + " exists already: name another file, or allow it to be overwritten");
}

}  // namespace

Result<TextFile> TextFile::create(const ExportOptions& options) {
  if (options.sink) return TextFile(options, {}, -1);
  struct stat info {};
  if (stat(options.path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return fail(Fault::refused, options.path + " is a directory: name a file in it");
    if (!options.overwrite) return exists(options.path);
  }
  // A name left behind by a process that died is passed over, not reused: it may belong to one that lives.
  constexpr int attempts_max = 100;
  std::string temporary;
  int descriptor = -1;
  for (int attempt = 0; attempt < attempts_max && descriptor < 0; ++attempt) {
    temporary = options.path + ".part" + std::to_string(getpid()) + "-" + std::to_string(attempt);
    descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST) break;
  }
  if (descriptor < 0) return fail(Fault::refused, "cannot create " + options.path + ": " + std::strerror(errno));
  return TextFile(options, std::move(temporary), descriptor);
}

TextFile::TextFile(ExportOptions options, std::string temporary, int descriptor)
    : options_(std::move(options)), temporary_(std::move(temporary)), descriptor_(descriptor) {
  buffer_.reserve(2 * buffer_bytes);
}

TextFile::TextFile(TextFile&& other) noexcept
    : options_(std::move(other.options_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      failure_(std::move(other.failure_)) {}

TextFile::~TextFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  unlink(temporary_.c_str());
}

bool TextFile::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= buffer_bytes) drain();
  return !failure_;
}

void TextFile::drain() {
  if (!failure_ && options_.is_cancelled && options_.is_cancelled())
    failure_ = fail(Fault::interrupted, "the export was cancelled");
  if (options_.sink) {
    if (!buffer_.empty() && !failure_ && !options_.sink(buffer_)) failure_ = fail(Fault::interrupted, "nobody wants the rest");
    buffer_.clear();
    return;
  }
  std::string_view rest = buffer_;
  while (!rest.empty() && !failure_) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failure_ = file_error("writing " + options_.path, errno);
    }
  }
  buffer_.clear();
}

Result<void> TextFile::finish() {
  drain();
  if (options_.sink) return failure_ ? Result<void>{*failure_} : Result<void>{};
  if (!failure_ && fsync(descriptor_) != 0) failure_ = file_error("writing " + options_.path, errno);
  if (failure_) return *failure_;
  if (options_.overwrite) {
    if (rename(temporary_.c_str(), options_.path.c_str()) != 0) return file_error("naming " + options_.path, errno);
  } else {
    // link() refuses an existing name by itself; rename() would replace it.
    if (link(temporary_.c_str(), options_.path.c_str()) != 0) {
      if (errno == EEXIST) return exists(options_.path);
      // A file system without hard links.
      struct stat info {};
      if (stat(options_.path.c_str(), &info) == 0) return exists(options_.path);
      if (rename(temporary_.c_str(), options_.path.c_str()) != 0) return file_error("naming " + options_.path, errno);
    } else {
      unlink(temporary_.c_str());
    }
  }
  ::close(std::exchange(descriptor_, -1));
  return {};
}

void CsvLine::text(std::string_view value) {
  separate();
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
    text_ += value;
    return;
  }
  text_ += '"';
  for (const char c : value) {
    if (c == '"') text_ += '"';
    text_ += c;
  }
  text_ += '"';
}

void CsvLine::integer(std::int64_t value) {
  separate();
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text_.append(digits.data(), end.ptr);
}

void CsvLine::real(double value) {
  separate();
  if (!std::isfinite(value)) return;
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value + 0.0);  // no "-0"
  text_.append(digits.data(), end.ptr);
}

void CsvLine::seconds(std::int64_t nanoseconds) {
  separate();
  if (nanoseconds < 0) text_ += '-';
  const std::uint64_t magnitude =
      nanoseconds < 0 ? 0 - static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
  constexpr std::uint64_t billion = 1'000'000'000;
  std::array<char, 24> digits{};
  const auto whole = std::to_chars(digits.data(), digits.data() + digits.size(), magnitude / billion);
  text_.append(digits.data(), whole.ptr);
  const std::uint64_t fraction = magnitude % billion;
  if (fraction == 0) return;
  // With a leading 1 that keeps the zeros, and is then skipped.
  const auto part = std::to_chars(digits.data(), digits.data() + digits.size(), billion + fraction);
  std::string_view decimals(digits.data() + 1, static_cast<std::size_t>(part.ptr - digits.data() - 1));
  while (decimals.ends_with('0')) decimals.remove_suffix(1);
  text_ += '.';
  text_ += decimals;
}

}  // namespace cellrig::db
