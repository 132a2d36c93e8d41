#include "controller/cli/files/added_cell.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>

namespace cellrig::cli {

std::string why_no_cell_name(const std::string& name) {
  constexpr std::size_t length_max = 60;
  constexpr std::string_view usable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  const bool is_good = !name.empty() && name.size() <= length_max && name.front() != '.' && name.front() != '-' &&
                       name.find_first_not_of(usable) == std::string::npos;
  return is_good ? "" : "a cell file's name has letters, digits, '-', '_' and '.', and at most 60 of them";
}

std::string keep_cell_file(const CellFileToKeep& file) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(file.folder, error);
  if (error) return file.folder + ": " + error.message();
  constexpr std::ptrdiff_t files_max = 1000;  // nobody fills a disk with cells
  if (std::distance(fs::directory_iterator{file.folder, error}, fs::directory_iterator{}) >= files_max)
    return file.folder + " holds as many cell files as it may";
  const std::string path = file.folder + "/" + file.name + ".yaml", draft = path + ".part";
  const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
  const auto trouble = [&path] { return path + ": " + std::strerror(errno); };
  if (descriptor < 0) return trouble();
  const ssize_t written = ::write(descriptor, file.text.data(), file.text.size());
  const bool is_whole = written == static_cast<ssize_t>(file.text.size()) && ::fsync(descriptor) == 0;
  std::string problem = is_whole ? "" : trouble();
  ::close(descriptor);
  if (problem.empty() && std::rename(draft.c_str(), path.c_str()) != 0) problem = trouble();
  if (!problem.empty()) ::unlink(draft.c_str());
  return problem;
}

}  // namespace cellrig::cli
