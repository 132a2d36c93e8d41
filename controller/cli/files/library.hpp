// Profiles and cells by name, from folders that whoever started the program has chosen: what a client writes is looked up in a list and
// never becomes a path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cellrig::cli {

class Library {
 public:
  /// Folders are looked through with all below them for *.yaml; of two files with one name the one of the earlier folder counts.
  /// A cell that a client added has the name that stands in its file. Those
  /// that come with the program come last.
  Library(std::vector<std::string> profile_folders, std::vector<std::string> cell_folders);

  /// Name -> file, as the folders are now. Any thread.
  [[nodiscard]] std::map<std::string, std::string> profiles() const;
  [[nodiscard]] std::map<std::string, std::string> cells() const;
  [[nodiscard]] std::optional<std::string> profile_file(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> cell_file(const std::string& name) const;

 private:
  std::vector<std::string> profile_folders_, cell_folders_;
};

}  // namespace cellrig::cli
