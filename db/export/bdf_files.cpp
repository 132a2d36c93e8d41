// Both files of the Battery Data Format: the command line and the window write the same.
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "db/export/bdf.hpp"

namespace cellrig::db {

std::string_view bdf_kind_of(const RunRow& row, bool has_cycles) {
  struct Word {
    std::string_view in_name, kind;
  };
  // The first that fits: "Cycle life with diagnostics" is cycling, "Calendar storage with check-ups" no reference test.
  constexpr std::array<Word, 22> words{{{"hppc", "hppc"},
                                        {"pulse power", "hppc"},
                                        {"dc resistance", "dcir"},
                                        {"dcir", "dcir"},
                                        {"rate ladder", "rate_capability"},
                                        {"rate capability", "rate_capability"},
                                        {"formation", "formation"},
                                        {"intermittent titration", "gitt"},
                                        {"gitt", "gitt"},
                                        {"open-circuit voltage", "quasi_ocv"},
                                        {"ocv", "quasi_ocv"},
                                        {"calendar", "calendar_ageing"},
                                        {"reference performance", "rpt"},
                                        {"check-up", "rpt"},
                                        {"life", "cycling"},
                                        {"cycling", "cycling"},
                                        {"drone", "duty_cycle"},
                                        {"robot", "duty_cycle"},
                                        {"grid storage", "duty_cycle"},
                                        {"duty cycle", "duty_cycle"},
                                        {"capacity", "capacity_check"},
                                        {"sweep", "characterization"}}};
  std::string name = row.profile_name;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const Word& word : words) {
    if (name.find(word.in_name) != std::string::npos) return word.kind;
  }
  return has_cycles ? "cycling" : "other";
}

Result<BdfFiles> export_bdf_files(Reader& reader, RunKey run, const ExportOptions& options, BdfLabels labels,
                                  BdfMetadataOptions metadata) {
  const Result<RunInfo> info = reader.run(run);
  if (!info) return info.error();
  // Whoever replaces the data replaces what stands beside them; metadata without such data belong to others.
  const ExportOptions beside{bdf_metadata_path(options.path), options.overwrite && std::filesystem::exists(options.path)};
  // Before anything is written: data without what says of them what they are would be left.
  if (!beside.overwrite && std::filesystem::exists(beside.path))
    return fail(Fault::refused, beside.path + " exists: an export replaces nothing");
  const Result<BdfReport> report = export_bdf(reader, run, options, labels);
  if (!report) return report.error();
  metadata.data_file = std::filesystem::path(options.path).filename().string();
  if (info->row.time_source != "real") metadata.exported_at = {};  // the clock on the wall says nothing of another time
  if (const Result<void> written = export_bdf_metadata(reader, run, metadata, beside); !written) {
    Error error = written.error();
    error.what = "the data are written, their metadata are not: " + error.what;
    return error;
  }
  return BdfFiles{*report, beside.path};
}

}  // namespace cellrig::db
