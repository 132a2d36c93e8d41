#include "controller/cli/run/charge_bound.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/base/resources.hpp"
#include "controller/cli/run/unseen_output.hpp"
#include "drivers/models/model_file.hpp"
#include "profiles/cell.hpp"

namespace cellrig::cli {
namespace {

std::optional<Amps> limit_of_cell(const Interrupted& run) {
  try {
    return read_cell(run.info.row.cell_text, fmt::format("the cell of run {}", run.info.run)).limits.charge_current_max;
  } catch (const ConfigError&) {
    return std::nullopt;
  }
}

Amps rating_of(const BenchConfig& bench, const ChannelConfig& channel) {
  return load_cycler_capabilities(find_model(bench.instruments.at(channel.cycler).model)).charge_current_max;
}

std::optional<Amps> rating_then(const BenchConfig& began, const ChannelConfig& channel) {
  try {
    return rating_of(began, channel);
  } catch (const ConfigError&) {  // a model that this version does not know
    return std::nullopt;
  }
}

/// Of whichever of them can do most: its own may have been another one then.
Amps rating_now(const BenchConfig& now) {
  Amps most{};
  for (const ChannelConfig& any : now.channels) most = std::max(most, rating_of(now, any));
  return most;
}

}  // namespace

Amps charge_current_max_of(const Interrupted& run, const BenchConfig& now) {
  std::string ignored;
  const std::string& channel = run.info.row.channel;
  const std::optional<BenchConfig> began = recorded_bench(run, ignored);
  const ChannelConfig* const its = began ? find_channel(*began, channel) : nullptr;
  if (its != nullptr && its->limits.charge_current_max) return *its->limits.charge_current_max;
  if (const std::optional<Amps> limit = limit_of_cell(run)) return *limit;
  const std::optional<Amps> then = its != nullptr ? rating_then(*began, *its) : std::nullopt;
  return then ? *then : rating_now(now);
}

}  // namespace cellrig::cli
