// Where profiles, cells and instrument models are found: by path, or by name among those that come with the program.
#pragma once

#include <string>
#include <vector>

namespace cellrig {

/// A file as it stands, or "fast-charge-window" for profiles/library/*/fast-charge-window.yaml. ConfigError with the nearest name.
[[nodiscard]] std::string find_profile(const std::string& name_or_path);
[[nodiscard]] std::string find_cell(const std::string& name_or_path);
[[nodiscard]] std::string find_bench(const std::string& name_or_path);
/// A file as it stands, or "watlow-f4t" for drivers/models/watlow-f4t.yaml.
[[nodiscard]] std::string find_model(const std::string& model);
/// A file as it stands, or "factorial-fest-77" for profiles/claims/factorial-fest-77.yaml.
[[nodiscard]] std::string find_claim(const std::string& name_or_path);
/// All claim files that come with the program, by name.
[[nodiscard]] std::vector<std::string> claim_files();
/// The folder of the profiles that come with the program; those of one kind are in a folder of it.
[[nodiscard]] std::string profile_directory();
/// The folder of the cell files that come with the program.
[[nodiscard]] std::string cell_directory();

}  // namespace cellrig
