// Profiles and cells by name, from folders that whoever started the program has chosen: what a client writes is looked up in a list and
// never becomes a path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/files/added_cell.hpp"

namespace cellrig::cli {

class Library {
 public:
  /// Folders are looked through with all below them for *.yaml; of two files with one name the one of the earlier folder counts.
  /// Those that come with the program come last. `added_cells`: the folder of the cells that clients added, empty: none. They have the name
  /// that stands in their file, count only when their file is what it was when it was added, and take the place of no other cell.
  Library(std::vector<std::string> profile_folders, std::vector<std::string> cell_folders, std::string added_cells = {});

  /// Name -> file, as the folders are now. Any thread.
  [[nodiscard]] std::map<std::string, std::string> profiles() const;
  [[nodiscard]] std::map<std::string, std::string> cells() const;
  [[nodiscard]] std::optional<std::string> profile_file(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> cell_file(const std::string& name) const;
  /// Files of the folder of added cells that do not count, and why.
  using IgnoredCell = KeptCells::Ignored;
  [[nodiscard]] std::vector<IgnoredCell> ignored_cells() const;

 private:
  [[nodiscard]] std::map<std::string, std::string> look_at_cells(std::vector<IgnoredCell>* ignored) const;

  std::vector<std::string> profile_folders_, cell_folders_;
  std::string added_cells_;
};

}  // namespace cellrig::cli
