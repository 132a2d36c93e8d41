// A cell file that a client sends: looked at, and kept beside the record.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cellrig::cli {

/// Empty: good for the name of a cell.
[[nodiscard]] std::string why_no_cell_name(const std::string& name);

/// What is kept of such a file: its text, and a last line, a comment, with the name.
[[nodiscard]] std::string kept_cell_text(const std::string& name, const std::string& text);

/// Under the SHA-256 of what is kept: nothing that a client wrote becomes a file's name.
[[nodiscard]] std::string kept_cell_file(const std::string& folder, const std::string& kept_text);

/// Of a text that was kept so, from its last line; nothing: it is no such text.
[[nodiscard]] std::optional<std::string> name_of_kept_cell(const std::string& text);

/// What lies in the folder of added cells.
struct KeptCells {
  struct Cell {
    std::string name, file, sha256;
  };
  struct Ignored {
    std::string name, file, why;  ///< name: empty when the file says none
  };
  std::vector<Cell> cells;       ///< the name of each file is the SHA-256 of what is in it now
  std::vector<Ignored> ignored;  ///< other cell files, and those that cannot be read: nothing is started by their limits
};
/// Reads them all, those of folders below as well. Nothing: the folder cannot be read, or is not there.
[[nodiscard]] KeptCells kept_cells(const std::string& folder);

/// What a folder holds is on the disk only when the folder is. Empty; else what went wrong.
[[nodiscard]] std::string sync_folder(const std::string& folder);
using SyncFolder = std::function<std::string(const std::string& folder)>;

/// In one piece, on the disk when it returns; the folder is made when it does not exist. Empty; else what went wrong, and no file is left.
[[nodiscard]] std::string keep_cell_file(const std::string& folder, const std::string& kept_text,
                                         const SyncFolder& sync = sync_folder);

}  // namespace cellrig::cli
