#include "db/failure_note.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace cellrig::db {

namespace {

std::string note_path(const std::string& database) { return database + ".failed"; }

}  // namespace

void write_failure_note(const std::string& database, const std::string& what) noexcept {
  try {
    const int file = ::open(note_path(database).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0) return;
    if (::write(file, what.data(), what.size()) == static_cast<ssize_t>(what.size())) (void)::fsync(file);
    ::close(file);
  } catch (...) {  // out of memory: the exit code still tells
  }
}

std::optional<EventRow> read_failure_note(const std::string& database) {
  const int file = ::open(note_path(database).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return std::nullopt;
  std::array<char, 1024> text{};
  const ssize_t size = ::read(file, text.data(), text.size());
  struct stat info {};
  const bool is_dated = ::fstat(file, &info) == 0;
  ::close(file);
  EventRow event;
  event.severity = Severity::alarm;
  event.kind = "record failure";
  event.message = "the writer before this one could not keep the record: ";
  event.message += size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string("it could not say why");
  event.message += "; rows after its last commit are missing, `cellrig db verify` says whether the others are whole";
  if (is_dated) event.utc = UtcTime{info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
  return event;
}

void remove_failure_note(const std::string& database) noexcept {
  try {
    ::unlink(note_path(database).c_str());
  } catch (...) {  // it is told again next time
  }
}

}  // namespace cellrig::db
