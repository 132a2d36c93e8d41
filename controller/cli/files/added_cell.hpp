// A cell file that a client sends: looked at, and kept beside the record.
#pragma once

#include <string>

#include "controller/api/messages_codec.hpp"

namespace cellrig::cli {

/// Empty: good for a file's name, and for nothing else.
[[nodiscard]] std::string why_no_cell_name(const std::string& name);

struct CellFileToKeep {
  std::string folder;  ///< made when it does not exist
  std::string name, text;
};
/// In one piece, on the disk when it returns. Empty; else what went wrong.
[[nodiscard]] std::string keep_cell_file(const CellFileToKeep& file);

}  // namespace cellrig::cli
