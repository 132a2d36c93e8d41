// A cell file that a client sends: looked at, and kept beside the record.
#pragma once

#include <optional>
#include <string>

namespace cellrig::cli {

/// Empty: good for the name of a cell.
[[nodiscard]] std::string why_no_cell_name(const std::string& name);

/// What is kept of such a file: its text, and a last line, a comment, with the name.
[[nodiscard]] std::string kept_cell_text(const std::string& name, const std::string& text);

/// Under the SHA-256 of what is kept: nothing that a client wrote becomes a file's name.
[[nodiscard]] std::string kept_cell_file(const std::string& folder, const std::string& kept_text);

/// Of a file that was kept so, from its last line; nothing: it is no such file.
[[nodiscard]] std::optional<std::string> name_of_kept_cell(const std::string& path);

/// In one piece, on the disk when it returns; the folder is made when it does not exist. Empty; else what went wrong.
[[nodiscard]] std::string keep_cell_file(const std::string& folder, const std::string& kept_text);

}  // namespace cellrig::cli
