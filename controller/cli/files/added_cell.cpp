#include "controller/cli/files/added_cell.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "db/sha256.hpp"

namespace cellrig::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t cell_name_length_max = 60;
constexpr std::size_t kept_files_max = 1000;  // nobody fills a disk with cells
constexpr std::string_view name_line = "# The name under which this cell was added: ";

/// As many as there are, at most one more than may be.
std::size_t files_in_folder(const std::string& folder, std::error_code& error) {
  std::size_t count = 0;
  for (fs::directory_iterator at{folder, error}; !error && at != fs::directory_iterator{} && count <= kept_files_max;
       at.increment(error))
    ++count;
  return count;
}

/// Nothing: it cannot be read, or is larger than any that is kept.
std::optional<std::string> text_of_kept(const fs::path& file) {
  constexpr std::size_t text_bytes_max = 1 << 20;
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file, error)) || fs::file_size(file, error) > text_bytes_max || error)
    return std::nullopt;
  std::ifstream stream{file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  return stream.bad() || !stream.is_open() ? std::nullopt : std::optional{std::move(text)};
}

/// By what is in it, not by what it is called: whoever edits a file, or puts one there, has asked nobody.
void look_at_kept(const fs::path& folder, const fs::path& file, KeptCells& found) {
  const std::optional<std::string> text = text_of_kept(file);
  const std::optional<std::string> name = text ? name_of_kept_cell(*text) : std::nullopt;
  const std::string sha256 = text ? db::sha256_hex(*text) : "";
  if (name && file.parent_path() == folder && file.stem() == sha256) return found.cells.push_back({*name, file.string(), sha256});
  std::string why = "its name is not the SHA-256 of what is in it: it was changed, or nobody added it over the interface";
  if (!text) why = "it cannot be read, is no plain file, or is too large";
  if (text && file.stem() == sha256)
    why = "it has no last line with a name, or lies in a folder below: nobody added it over the interface";
  found.ignored.push_back({name.value_or(""), file.string(), std::move(why)});
}

std::string trouble_with(const std::string& path) { return path + ": " + std::strerror(errno); }

std::string write_whole(const std::string& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (descriptor < 0) return trouble_with(path);
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  if (written >= 0 && written != static_cast<ssize_t>(text.size())) errno = ENOSPC;
  const bool is_whole = written == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
  std::string problem = is_whole ? "" : trouble_with(path);
  ::close(descriptor);
  return problem;
}

}  // namespace

std::string sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return trouble_with(folder);
  std::string problem = ::fsync(descriptor) == 0 ? "" : trouble_with(folder);
  ::close(descriptor);
  return problem;
}

std::string why_no_cell_name(const std::string& name) {
  constexpr std::string_view usable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  const bool is_good = !name.empty() && name.size() <= cell_name_length_max && name.front() != '.' && name.front() != '-' &&
                       name.find_first_not_of(usable) == std::string::npos;
  return is_good ? "" : "a cell's name has letters, digits, '-', '_' and '.', and at most 60 of them";
}

std::string kept_cell_text(const std::string& name, const std::string& text) {
  return text + (text.empty() || text.back() == '\n' ? "" : "\n") + std::string{name_line} + name + "\n";
}

std::string kept_cell_file(const std::string& folder, const std::string& kept_text) {
  return folder + "/" + db::sha256_hex(kept_text) + ".yaml";
}

std::optional<std::string> name_of_kept_cell(const std::string& text) {
  const std::size_t at = text.rfind(name_line);
  if (at == std::string::npos || text.back() != '\n') return std::nullopt;
  std::string name = text.substr(at + name_line.size());
  name.pop_back();
  return why_no_cell_name(name).empty() ? std::optional{name} : std::nullopt;
}

KeptCells kept_cells(const std::string& folder) {
  KeptCells found;
  std::error_code error;
  fs::recursive_directory_iterator at{folder, fs::directory_options::skip_permission_denied, error};
  for (std::size_t seen = 0; !error && at != fs::recursive_directory_iterator{} && ++seen <= 2 * kept_files_max;
       at.increment(error)) {
    std::error_code ignored;
    if (at->path().extension() == ".yaml" && !at->is_directory(ignored)) look_at_kept(folder, at->path(), found);
  }
  std::sort(found.cells.begin(), found.cells.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
  std::sort(found.ignored.begin(), found.ignored.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
  return found;
}

std::string keep_cell_file(const std::string& folder, const std::string& kept_text, const SyncFolder& sync) {
  std::error_code error;
  const bool is_new_folder = fs::create_directories(folder, error);
  if (error) return folder + ": " + error.message();
  const std::size_t count = files_in_folder(folder, error);
  if (error) return folder + ": " + error.message();
  if (count >= kept_files_max) return folder + " holds as many cell files as it may";
  const std::string path = kept_cell_file(folder, kept_text), draft = path + ".part";
  std::string problem = write_whole(draft, kept_text);
  if (problem.empty() && std::rename(draft.c_str(), path.c_str()) != 0) problem = trouble_with(path);
  if (!problem.empty()) {
    ::unlink(draft.c_str());
    return problem;
  }
  problem = sync(folder);
  if (problem.empty() && is_new_folder) problem = sync(fs::absolute(folder, error).parent_path().string());
  // What was refused must not be there all the same, to be named by somebody.
  if (!problem.empty() && ::unlink(path.c_str()) != 0) problem += "; and it could not be removed again: " + trouble_with(path);
  return problem;
}

}  // namespace cellrig::cli
