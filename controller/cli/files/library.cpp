#include "controller/cli/files/library.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "controller/base/resources.hpp"
#include "controller/cli/files/added_cell.hpp"

namespace cellrig::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_max = 10'000;  ///< a folder that was meant otherwise is not looked through for ever

std::map<std::string, std::string> files_in(const std::vector<std::string>& folders) {
  std::map<std::string, std::string> files;
  std::size_t seen = 0;
  for (const std::string& folder : folders) {
    std::error_code error;
    fs::recursive_directory_iterator at{folder, fs::directory_options::skip_permission_denied, error};
    for (; !error && at != fs::recursive_directory_iterator{} && ++seen <= files_max; at.increment(error)) {
      std::error_code ignored;
      if (at->path().extension() != ".yaml" || !at->is_regular_file(ignored)) continue;
      const std::string path = at->path().string();
      files.emplace(at->path().stem().string(), path);
    }
  }
  return files;
}

std::optional<std::string> file_named(const std::map<std::string, std::string>& files, const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace

Library::Library(std::vector<std::string> profile_folders, std::vector<std::string> cell_folders, std::string added_cells)
    : profile_folders_{std::move(profile_folders)}, cell_folders_{std::move(cell_folders)}, added_cells_{std::move(added_cells)} {
  profile_folders_.push_back(profile_directory());
  cell_folders_.push_back(cell_directory());
}

std::map<std::string, std::string> Library::profiles() const { return files_in(profile_folders_); }

std::map<std::string, std::string> Library::cells() const { return look_at_cells(nullptr); }

std::vector<Library::IgnoredCell> Library::ignored_cells() const {
  std::vector<IgnoredCell> ignored;
  (void)look_at_cells(&ignored);
  return ignored;
}

/// An added cell takes the place of no other one. Of two with one name neither counts: which of them was meant, nobody knows.
std::map<std::string, std::string> Library::look_at_cells(std::vector<IgnoredCell>* ignored) const {
  std::map<std::string, std::string> files = files_in(cell_folders_);
  if (added_cells_.empty()) return files;
  KeptCells kept = kept_cells(added_cells_);
  std::map<std::string, int> count;
  for (const KeptCells::Cell& cell : kept.cells) ++count[cell.name];
  for (const KeptCells::Cell& cell : kept.cells) {
    const auto other = files.find(cell.name);
    if (count[cell.name] > 1) {
      kept.ignored.push_back({cell.name, cell.file, "several files that were added have its name, '" + cell.name + "'"});
    } else if (other != files.end()) {
      kept.ignored.push_back({cell.name, cell.file, "there is a cell '" + cell.name + "' in " + other->second});
    } else {
      files.emplace(cell.name, cell.file);
    }
  }
  if (ignored != nullptr) *ignored = std::move(kept.ignored);
  return files;
}

std::optional<std::string> Library::profile_file(const std::string& name) const { return file_named(profiles(), name); }
std::optional<std::string> Library::cell_file(const std::string& name) const { return file_named(cells(), name); }

}  // namespace cellrig::cli
