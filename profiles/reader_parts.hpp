// The parts of read_profile(), one file each. Not for others to include.
#pragma once

#include <string>
#include <vector>

#include "profiles/attachments.hpp"
#include "profiles/model.hpp"
#include "profiles/step_words.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig {

/// Where attached files come from, and what was read so far.
struct AttachmentReader {
  ReadAttachment read;
  std::string folder;  ///< of the file that names them, from the folder of the outermost profile; "" or with a '/' at its end
  std::map<std::string, std::string>& found;
  std::size_t depth = 0;  ///< profiles within profiles

  /// Its text, by the path as written. `path` becomes the path from the outermost profile's folder.
  [[nodiscard]] std::string text(std::string& path, const SourcePlace& place) const;
};

[[nodiscard]] Expression read_expression(const YamlEntry& entry);
[[nodiscard]] Field read_field(const YamlEntry& entry);
/// One line of 1 to name_length_max characters: names go into reports, file names and terminals.
[[nodiscard]] std::string read_name(const YamlEntry& entry, std::size_t length_max = 0);
[[nodiscard]] RecordSpec read_record(const YamlEntry& entry);
[[nodiscard]] InterruptionRule read_interruption_rule(const YamlEntry& entry);
[[nodiscard]] RateReference read_rate_reference(const YamlEntry& entry);
[[nodiscard]] StepSpec read_step(const YamlEntry& entry, const StepWord& word, const AttachmentReader& files);
[[nodiscard]] std::vector<ItemSpec> read_steps(const YamlNode& node, const AttachmentReader& files);
/// `text` is no bundle any more.
[[nodiscard]] Profile read_profile_with(std::string_view text, const std::string& file, const AttachmentReader& files);

}  // namespace cellrig
