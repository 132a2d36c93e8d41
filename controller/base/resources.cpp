#include "controller/base/resources.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "controller/base/config_error.hpp"

namespace cellrig {
namespace {

namespace fs = std::filesystem;

/// CELLRIG_DATA, else share/cellrig beside the program, else the tree it was built from.
fs::path data_root() {
  if (const char* const chosen = std::getenv("CELLRIG_DATA"); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error && fs::is_directory(program.parent_path() / "../share/cellrig/profiles"))
    return program.parent_path() / "../share/cellrig";
  return CELLRIG_DATA_DIR;
}

std::string find(const std::string& name_or_path, const fs::path& folder, const std::string& what) {
  if (fs::is_regular_file(name_or_path)) return name_or_path;
  std::vector<std::string> known;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() != ".yaml") continue;
    if (entry.path().stem() == name_or_path) return fs::weakly_canonical(entry.path()).string();
    known.push_back(entry.path().stem().string());
  }
  throw ConfigError{SourcePlace{}, "no " + what + " '" + name_or_path + "': neither a file nor one that comes with cellrig" +
                                       suggestion(name_or_path, known)};
}

}  // namespace

std::string find_profile(const std::string& name_or_path) {
  return find(name_or_path, data_root() / "profiles/library", "profile");
}
std::string find_cell(const std::string& name_or_path) { return find(name_or_path, data_root() / "profiles/cells", "cell"); }
std::string find_bench(const std::string& name_or_path) { return find(name_or_path, data_root() / "sim/benches", "bench file"); }
std::string find_model(const std::string& model) { return find(model, data_root() / "drivers/models", "instrument model"); }
std::string find_claim(const std::string& name_or_path) { return find(name_or_path, data_root() / "profiles/claims", "claim"); }
std::vector<std::string> claim_files() {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(data_root() / "profiles/claims", error)) {
    if (entry.path().extension() == ".yaml") files.push_back(fs::weakly_canonical(entry.path()).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}
std::string profile_directory() { return (data_root() / "profiles/library").string(); }
std::string cell_directory() { return (data_root() / "profiles/cells").string(); }

}  // namespace cellrig
