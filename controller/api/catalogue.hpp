// The profiles and cells that come with the program, and what can be known of them without a bench. Implemented where the concrete
// classes are (controller/cli); called on a thread of its own, one call at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/messages_codec.hpp"

namespace cellrig::api {

struct AddedCell {
  CellView view;
  bool is_new = false;    ///< false: the bench had this very file under this very name
  std::string sha256;     ///< of what is kept
  bool is_added = false;  ///< it is one of those that were added, now or before
};

/// Names are those of a list, never paths: what a client writes does not reach the file system. Unknown names: code "not_found", nearest.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  [[nodiscard]] virtual std::vector<ProfileView> profiles() = 0;
  [[nodiscard]] virtual Decoded<ProfileView> profile(const std::string& name) = 0;
  [[nodiscard]] virtual std::vector<CellView> cells() = 0;
  [[nodiscard]] virtual Decoded<CellView> cell(const std::string& name) = 0;
  /// Keeps it for good, unless it can't be read, or its name stands for something else already (code "exists"), or the disk fails ("not_kept").
  [[nodiscard]] virtual Decoded<AddedCell> add_cell(const CellFileOrder& order) = 0;
  /// As `cellrig check`. A profile that is refused is a report, not an error.
  [[nodiscard]] virtual Decoded<CheckReport> check(const CheckOrder& order) = 0;
  /// The command that rehearses this as a child process and prints one JSON document: program and arguments.
  [[nodiscard]] virtual Decoded<std::vector<std::string>> rehearsal_command(const CheckOrder& order) = 0;
};

}  // namespace cellrig::api
