#include "controller/cli/files/exchange_output.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "controller/base/config_error.hpp"

namespace cellrig::cli {

void write_exchange_text(const std::string& text, const std::string& path, bool overwrite) {
  if (path.empty()) {
    fmt::print("{}", text);
    if (std::fflush(stdout) != 0) throw ConfigError{SourcePlace{"standard output"}, "cannot be written"};
    return;
  }
  namespace fs = std::filesystem;
  const SourcePlace place{path, 0, 0};
  if (!overwrite && fs::exists(fs::symlink_status(path))) throw ConfigError{place, "exists; --overwrite replaces it"};
  // Beside it, then in its place: a full disk leaves the old file as it was.
  const std::string beside = path + ".new";
  std::ofstream file{beside, std::ios::binary};
  file << text;
  file.close();
  std::error_code failed;
  if (file) fs::rename(beside, path, failed);
  if (!file || failed) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    throw ConfigError{place, "cannot be written"};
  }
}

void print_losses(const LossReport& report, bool quiet) {
  for (const Loss& loss : report) {
    if (!quiet || loss.severity != LossSeverity::note) fmt::print(stderr, "{}\n", to_string(loss));
  }
}

boost::json::array losses_json(const LossReport& report) {
  boost::json::array list;
  for (const Loss& loss : report) {
    list.push_back(boost::json::object{{"severity", to_string(loss.severity)},
                                       {"word", loss.word},
                                       {"file", loss.place.file},
                                       {"line", loss.place.line},
                                       {"column", loss.place.column},
                                       {"message", loss.what}});
  }
  return list;
}

}  // namespace cellrig::cli
