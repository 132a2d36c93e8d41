#include "controller/cli/files/added_cell.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

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

std::optional<std::string> name_of_kept_cell(const std::string& path) {
  constexpr std::size_t digits = 64;
  const std::string stem = fs::path{path}.stem().string();
  if (stem.size() != digits || stem.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  std::ifstream file{path, std::ios::binary | std::ios::ate};
  const std::streamoff size = file.tellg();
  constexpr auto most = static_cast<std::streamoff>(name_line.size() + cell_name_length_max + 1);
  const std::streamoff count = std::min(size, most);
  if (!file || count <= 0) return std::nullopt;
  std::string end(static_cast<std::size_t>(count), '\0');
  file.seekg(size - count);
  if (!file.read(end.data(), count)) return std::nullopt;
  const std::size_t at = end.rfind(name_line);
  if (at == std::string::npos || end.back() != '\n') return std::nullopt;
  std::string name = end.substr(at + name_line.size());
  name.pop_back();
  return why_no_cell_name(name).empty() ? std::optional{name} : std::nullopt;
}

std::vector<std::string> kept_cell_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator at{folder, error}; !error && at != fs::directory_iterator{}; at.increment(error)) {
    if (name_of_kept_cell(at->path().string())) files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
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
