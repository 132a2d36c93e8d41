// The record in the words of the interface. Every call reads the database and takes its time: not on the thread that serves sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/messages.hpp"
#include "controller/base/result.hpp"
#include "db/reader.hpp"
#include "db/run_list.hpp"

namespace cellrig::api {

struct SamplesQuery {
  std::int64_t run = 0;
  std::optional<double> from_s, to_s;
  std::size_t points = 2000;
  std::vector<std::string> quantities;
};
inline constexpr std::size_t points_max = 20'000, quantities_max = 12;
inline constexpr std::size_t expected_points_max = 100'000;  ///< of an answer's curves together; a run of ours has no more in all

/// The quantities of the hot row; every other one is looked for among the auxiliary ones.
[[nodiscard]] const std::vector<std::string>& sample_quantities();

/// Fault `refused`: there is no such run, or no such quantity in it.
[[nodiscard]] Result<std::vector<RunView>> runs_view(const std::string& database, const db::RunFilter& filter);
[[nodiscard]] Result<RunView> run_view(const std::string& database, std::int64_t run, bool counts_samples);
[[nodiscard]] Result<std::vector<StepView>> steps_view(const std::string& database, std::int64_t run, std::int64_t after,
                                                       std::size_t count_max);
[[nodiscard]] Result<std::vector<CycleView>> cycles_view(const std::string& database, std::int64_t run, std::int64_t after,
                                                         std::size_t count_max);
[[nodiscard]] Result<std::vector<EventView>> events_view(const std::string& database, std::int64_t run, std::size_t count_max);
/// `after`: so many curves are left out. Fewer than count_max come when they have more than expected_points_max points.
[[nodiscard]] Result<std::vector<ExpectedCurveView>> expected_view(const std::string& database, std::int64_t run,
                                                                   std::int64_t after, std::size_t count_max);
[[nodiscard]] Result<SamplesView> samples_view(const std::string& database, const SamplesQuery& query);

/// In the order of export_format_words().
enum class ExportFormat : unsigned char { samples, cycles, other, bdf, bdf_metadata };
[[nodiscard]] const std::vector<std::string>& export_format_words();
struct ExportFile {
  std::string name;  ///< of letters, digits, dots, dashes and underscores
  std::string content_type;
};
[[nodiscard]] Result<ExportFile> export_file(const std::string& database, std::int64_t run, ExportFormat format);
/// What the protocol's record says of a run's steps, as a JSON object: who knows the profiles' language makes it.
using ProtocolOf = std::function<std::string(const db::RunInfo& run)>;
struct ExportOrder {
  std::int64_t run = 0;
  ExportFormat format = ExportFormat::samples;
  std::string data_name;   ///< what the metadata call the data file; empty: as the format recommends
  ProtocolOf protocol_of;  ///< none: the metadata say nothing of the steps
};
/// The text goes into `sink`, until that says false. `is_cancelled` is asked while rows are read of which nothing is written. Memory is bounded whatever the length of the run.
[[nodiscard]] Result<void> write_export(const std::string& database, const ExportOrder& order,
                                        const std::function<bool(std::string_view)>& sink,
                                        const std::function<bool()>& is_cancelled = {});

}  // namespace cellrig::api
