#include "controller/cli/bench/simulated_cell.hpp"

#include <algorithm>
#include <filesystem>

#include "controller/base/config_error.hpp"
#include "sim/bench_file.hpp"

namespace cellrig::cli {

std::string simulated_cell_of(const BenchConfig& bench, const std::string& channel) {
  static constexpr const char* otherwise = "lg-m50";
  try {
    const sim::BenchFile file = sim::load_bench_file(bench.file);
    const auto found = std::find_if(file.channels.begin(), file.channels.end(),
                                    [&channel](const sim::ChannelEntry& entry) { return entry.name == channel; });
    if (found == file.channels.end()) return otherwise;
    const std::string& cell = found->cell.file.text;
    if (!cell.ends_with(".yaml")) return cell;
    return (std::filesystem::path(bench.file).parent_path() / cell).string();
  } catch (const ConfigError&) {
    return otherwise;
  }
}

}  // namespace cellrig::cli
