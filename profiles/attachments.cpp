#include "profiles/attachments.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace cellrig {
namespace {

constexpr std::string_view attachment_mark = "\n#attached ";

/// The files that begin here and reach exactly to the end of the text. Nothing: this was a comment like any other.
std::optional<std::map<std::string, std::string>> files_of(std::string_view text) {
  std::map<std::string, std::string> files;
  while (!text.empty()) {
    if (!text.starts_with(attachment_mark)) return std::nullopt;
    const std::size_t line_end = text.find('\n', 1);
    if (line_end == std::string_view::npos) return std::nullopt;
    const std::string_view header = text.substr(attachment_mark.size(), line_end - attachment_mark.size());
    std::size_t bytes = 0;
    const std::from_chars_result number = std::from_chars(header.data(), header.data() + header.size(), bytes);
    const std::size_t digits = static_cast<std::size_t>(number.ptr - header.data());
    if (number.ec != std::errc{} || digits >= header.size() || header[digits] != ' ') return std::nullopt;
    text.remove_prefix(line_end + 1);
    if (bytes > text.size()) return std::nullopt;
    files[std::string{header.substr(digits + 1)}] = std::string{text.substr(0, bytes)};
    text.remove_prefix(bytes);
  }
  return files;
}

}  // namespace

Bundle split_bundle(std::string_view text) {
  for (std::size_t at = text.find(attachment_mark); at != std::string_view::npos; at = text.find(attachment_mark, at + 1)) {
    if (std::optional<std::map<std::string, std::string>> files = files_of(text.substr(at)))
      return Bundle{std::string{text.substr(0, at)}, std::move(*files)};
  }
  return Bundle{std::string{text}, {}};
}

std::string join_bundle(const Bundle& bundle) {
  std::string text = bundle.main;
  for (const auto& [path, content] : bundle.files) {
    text += attachment_mark;
    text += std::to_string(content.size()) + " " + path + "\n" + content;
  }
  return text;
}

}  // namespace cellrig
