// The Battery Data Format (battery-data-alliance, ontology 1.3.0): CSV with preferred labels, and its metadata sidecar.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/base/result.hpp"
#include "db/export/text_file.hpp"
#include "db/reader.hpp"

namespace cellrig::db {

/// One run, therefore one cell, to one file. Positive current charges; times, counters and sums never go back; valid at any
/// moment, also while the run goes on. A temperature that was never measured has no column. A sample without a voltage or
/// a current, which the format requires, is left out and counted.
struct BdfReport {
  std::uint64_t rows = 0;
  std::uint64_t rows_left_out = 0;
};
/// Refuses (malformed) a record whose test time or cycle counter goes back: the format cannot say that, and guessing is worse.
enum class BdfLabels : std::uint8_t { preferred, machine };  ///< "Test Time / s", "test_time_second"
[[nodiscard]] Result<BdfReport> export_bdf(Reader& reader, RunKey run, const ExportOptions& options,
                                           BdfLabels labels = BdfLabels::preferred);
/// The machine name of a preferred label, as the format makes them: "Cycle Net Energy / Wh" -> cycle_net_energy_wh.
[[nodiscard]] std::string bdf_machine_name(std::string_view preferred);

inline constexpr std::string_view bdf_institution_default = "cellrig";
/// "UCam__A0001__20241031_001.bdf.csv": what the format recommends. Characters outside [A-Za-z0-9-] become '-'.
[[nodiscard]] std::string bdf_file_name(const std::string& institution, const RunInfo& run, int number);
/// "x.bdf.csv" -> "x.bdf.metadata.json"
[[nodiscard]] std::string bdf_metadata_path(const std::string& bdf_path);

struct BdfMetadataOptions {
  UtcTime exported_at{};    ///< 0: the end (or the start) of the run stands for it
  std::string kind{};       ///< BattINFO: cycling, hppc, dcir, formation, rpt, ...; empty: by the run's profile (bdf_kind_of)
  std::string data_file{};  ///< named as the test's data set; may be empty
  /// A JSON object with what the protocol's record says of its steps (method, record, safety, notes): who knows the profile's
  /// language makes it. Empty: nothing is said.
  std::string protocol{};
};
/// BattINFO records of the test, its protocol, equipment, channel and cell, and deviations made from the events of severity
/// warning and above. status is running, completed or aborted.
[[nodiscard]] Result<std::string> bdf_metadata(Reader& reader, RunKey run, const BdfMetadataOptions& options);
[[nodiscard]] Result<void> export_bdf_metadata(Reader& reader, RunKey run, const BdfMetadataOptions& metadata,
                                               const ExportOptions& options);
/// What BattINFO calls such a test: by the words in the name of its profile, else cycling or other.
[[nodiscard]] std::string_view bdf_kind_of(const RunRow& row, bool has_cycles);

struct BdfFiles {
  BdfReport report;
  std::string metadata_path;
};
/// The data, and the metadata beside them. The time of the export counts for a run in real time only; the data file is named here.
[[nodiscard]] Result<BdfFiles> export_bdf_files(Reader& reader, RunKey run, const ExportOptions& options, BdfLabels labels,
                                                BdfMetadataOptions metadata);

}  // namespace cellrig::db
