// What clients may know of profiles and cells without a bench that moves: for the HTTP interface.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "controller/api/catalogue.hpp"
#include "controller/cli/files/library.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig::cli {

/// What a file said when it was looked at last.
template <class View>
struct SeenFile {
  std::filesystem::file_time_type changed;
  View view;
};

/// One thread at a time. Files are looked at anew when they have changed.
class BenchCatalogue final : public api::Catalogue {
 public:
  /// `program`: the cellrig that rehearses, as a rule this very one. `own_cells`: the folder of what clients add, one of the library's.
  BenchCatalogue(BenchConfig bench, Library library, std::string program, std::string own_cells);

  [[nodiscard]] std::vector<api::ProfileView> profiles() override;
  [[nodiscard]] api::Decoded<api::ProfileView> profile(const std::string& name) override;
  [[nodiscard]] std::vector<api::CellView> cells() override;
  [[nodiscard]] api::Decoded<api::CellView> cell(const std::string& name) override;
  [[nodiscard]] api::Decoded<api::AddedCell> add_cell(const api::CellFileOrder& order) override;
  [[nodiscard]] api::Decoded<api::CheckReport> check(const api::CheckOrder& order) override;
  [[nodiscard]] api::Decoded<std::vector<std::string>> rehearsal_command(const api::CheckOrder& order) override;

 private:
  [[nodiscard]] const api::ProfileView& view_of_profile(const std::string& name, const std::string& file);
  [[nodiscard]] const api::CellView& view_of_cell(const std::string& name, const std::string& file);

  BenchConfig bench_;
  Library library_;
  std::string program_, own_cells_;
  std::map<std::string, SeenFile<api::ProfileView>> profiles_;
  std::map<std::string, SeenFile<api::CellView>> cells_;
};

/// The folder of the cell files that clients add, beside the record that names them.
[[nodiscard]] std::string cells_beside(const std::string& database);

/// Where this very program lies.
[[nodiscard]] std::string this_program();

}  // namespace cellrig::cli
