// cellrig db verify, cellrig db anchor: is the record what it was, and the note by which somebody else can tell.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>

#include "controller/async/real_time.hpp"
#include "controller/base/config_error.hpp"
#include "controller/base/resources.hpp"
#include "controller/cli/verbs/db_verbs.hpp"
#include "controller/cli/text/json_text.hpp"
#include "controller/cli/record/record_source.hpp"
#include "controller/cli/text/table.hpp"
#include "db/export/text_file.hpp"
#include "db/verify.hpp"
#include "profiles/yaml_reader.hpp"

namespace cellrig::cli {
namespace {

constexpr std::string_view anchor_kind = "cellrig anchor";
constexpr std::size_t hash_digits = 64;

struct VerifyVerbOptions {
  std::string database = default_database;
  std::string anchor_file;
  bool json = false;
  bool quiet = false;
};

bool is_sha256(std::string_view text) {
  return text.size() == hash_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// "30:7636...": as a report or the end of a run prints them.
std::optional<db::Anchor> anchor_of_words(const std::string& words) {
  const std::size_t colon = words.find(':');
  std::int64_t block = 0;
  const char* const end = words.data() + std::min(colon, words.size());
  const auto [parsed, error] = std::from_chars(words.data(), end, block);
  if (colon == std::string::npos || error != std::errc{} || parsed != end || block < 0) return std::nullopt;
  if (!is_sha256(std::string_view{words}.substr(colon + 1)))
    throw ConfigError{SourcePlace{},
                      "--anchor " + words + ": after the block come 64 hexadecimal digits, as a report prints them"};
  return db::Anchor{block, words.substr(colon + 1)};
}

db::Anchor read_anchor(const std::string& file) {
  if (const std::optional<db::Anchor> given = anchor_of_words(file)) return *given;
  const SourcePlace place{file};
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(read_text_file(file), error);
  if (error || !parsed.is_object()) throw ConfigError{place, "this is not the JSON of an anchor (cellrig db anchor writes one)"};
  const boost::json::object& object = parsed.as_object();
  const boost::json::value* const kind = object.if_contains("kind");
  if (kind == nullptr || !kind->is_string() || kind->as_string() != anchor_kind)
    throw ConfigError{place, fmt::format("\"kind\" is not \"{}\"", anchor_kind)};
  const boost::json::value* const block = object.if_contains("block");
  const boost::json::value* const sha256 = object.if_contains("sha256");
  if (block == nullptr || !block->is_int64() || block->as_int64() < 0)
    throw ConfigError{place, "\"block\" is not a block number"};
  if (sha256 == nullptr || !sha256->is_string() || !is_sha256(sha256->as_string()))
    throw ConfigError{place, "\"sha256\" is not 64 hexadecimal digits"};
  return {block->as_int64(), std::string(sha256->as_string())};
}

/// A line on standard error every second: a record of a year takes a minute.
class VerifyProgress {
 public:
  void operator()(std::uint64_t done, std::uint64_t total) {
    const Clock::time_point now = Clock::now();
    if (now < next_ || done == 0) return;
    next_ = now + std::chrono::seconds{1};
    const double elapsed_s = std::chrono::duration<double>(now - start_).count();
    const double left_s = elapsed_s * (static_cast<double>(total) / static_cast<double>(done) - 1.0);
    fmt::print(stderr, "verifying: {:.0f} % of {} rows, about {} left\n",
               100.0 * static_cast<double>(done) / static_cast<double>(std::max(done, total)), total,
               clock_text(std::max(left_s, 0.0)));
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds{1};
};

std::string place_of(const db::VerifyFinding& finding) {
  std::string place;
  if (finding.run != 0) place += fmt::format("run {}", finding.run);
  if (finding.test_time_ns)
    place +=
        fmt::format("{}test time {}", place.empty() ? "" : ", ", clock_text(static_cast<double>(*finding.test_time_ns) / 1e9));
  if (finding.block != 0) place += fmt::format("{}block {}", place.empty() ? "" : ", ", finding.block);
  return place.empty() ? place : "  (" + place + ")";
}

void print_words(const VerifyVerbOptions& options, const db::VerifyReport& report) {
  fmt::print("{}: {}: {} rows compared\n", options.database, report.is_intact() ? "intact" : "ALTERED", report.rows);
  for (const db::VerifyFinding& finding : report.findings) fmt::print("  {}{}\n", finding.what, place_of(finding));
  if (report.findings.size() == db::verify_findings_max) fmt::print("  ... and perhaps more\n");
  if (report.rows_adopted > 0)
    fmt::print("{} rows are older than the chain and were adopted: they are as they were then\n", report.rows_adopted);
  if (report.is_being_written) fmt::print("it is being written: what came meanwhile was not looked at\n");
  fmt::print("sealed: block {}, sha256 {}\n", report.head.block, report.head.sha256);
  if (options.anchor_file.empty() && report.is_intact())
    fmt::print("without an anchor: an end that was cut off, or a record written anew, would not show (cellrig db anchor)\n");
}

void print_document(const VerifyVerbOptions& options, const db::VerifyReport& report) {
  boost::json::array findings;
  for (const db::VerifyFinding& f : report.findings) {
    boost::json::object finding{{"what", f.what},           {"table", f.table},       {"run", f.run},
                                {"first_row", f.first_key}, {"last_row", f.last_key}, {"block", f.block}};
    finding["test_time_s"] = f.test_time_ns ? boost::json::value(static_cast<double>(*f.test_time_ns) / 1e9) : nullptr;
    findings.push_back(std::move(finding));
  }
  print_json({{"database", options.database},
              {"intact", report.is_intact()},
              {"rows", report.rows},
              {"rows_adopted", report.rows_adopted},
              {"blocks", report.blocks},
              {"chain_block", report.head.block},
              {"chain_sha256", report.head.sha256},
              {"has_anchor", !options.anchor_file.empty()},
              {"is_being_written", report.is_being_written},
              {"findings", std::move(findings)}});
}

ExitCode run_verify(const VerifyVerbOptions& options) {
  (void)open_record(options.database);  // says in its words what is no record
  db::VerifyOptions verify;
  if (!options.anchor_file.empty()) verify.anchor = read_anchor(options.anchor_file);
  if (!options.quiet) verify.progress = VerifyProgress{};
  const db::VerifyReport report = value_or_throw(db::verify_record(options.database, verify), options.database);
  if (options.json) {
    print_document(options, report);
  } else {
    print_words(options, report);
  }
  return report.is_intact() ? ExitCode::passed : ExitCode::not_passed;
}

struct AnchorOptions {
  std::string database = default_database;
  std::string output;
  bool overwrite = false;
  bool json = false;
};

ExitCode run_anchor(const AnchorOptions& options) {
  const std::unique_ptr<db::Reader> reader = open_record(options.database);
  const db::Anchor head = value_or_throw(db::chain_head(options.database), options.database);
  boost::json::array runs;
  for (const db::RunInfo& info : choose_runs(*reader, std::nullopt)) {
    runs.push_back(boost::json::object{{"run", info.run},
                                       {"channel", info.row.channel},
                                       {"cell", info.row.cell_name},
                                       {"cell_id", info.row.cell_id},
                                       {"started_at_ns", info.row.started_at.ns_since_epoch},
                                       {"status", info.status}});
  }
  boost::json::object document{{"kind", anchor_kind},
                               {"database", options.database},
                               {"block", head.block},
                               {"sha256", head.sha256},
                               {"anchored_at_ns", RealTime{}.utc_now().ns_since_epoch},
                               {"runs", std::move(runs)}};
  if (!options.output.empty()) {
    boost::json::object whole = document;
    whole["schema_version"] = json_schema_version;
    db::TextFile file = value_or_throw(db::TextFile::create({options.output, options.overwrite}), options.output);
    file.write(boost::json::serialize(whole) + "\n");
    if (const Result<void> done = file.finish(); !done) throw_record_error(options.output, done.error());
  }
  if (options.json || options.output.empty()) {
    print_json(std::move(document));
  } else {
    fmt::print("{}: block {}, sha256 {}\nKeep it where nobody who can write the database can write.\n", options.output,
               head.block, head.sha256);
  }
  return ExitCode::passed;
}

}  // namespace

void add_db_verify(CLI::App& db, Action& chosen) {
  CLI::App* const verb = db.add_subcommand("verify", "has anything in this record been changed since it was written?");
  const auto options = std::make_shared<VerifyVerbOptions>();
  verb->add_option("--db", options->database, "the database");
  verb->add_option(
      "--anchor", options->anchor_file,
      "a file that `cellrig db anchor` wrote, or BLOCK:SHA256 as a report prints them: shows a cut off end and a rewrite");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->add_flag("--quiet", options->quiet, "no progress");
  verb->callback([options, &chosen] { chosen = [options] { return run_verify(*options); }; });
}

void add_db_anchor(CLI::App& db, Action& chosen) {
  CLI::App* const verb = db.add_subcommand("anchor", "the end of the hash chain, to be kept elsewhere");
  const auto options = std::make_shared<AnchorOptions>();
  verb->add_option("--db", options->database, "the database");
  verb->add_option("--output,-o", options->output, "the file; without it, standard output");
  verb->add_flag("--overwrite", options->overwrite, "replace a file that exists");
  verb->add_flag("--json", options->json, "one JSON document on standard output");
  verb->callback([options, &chosen] { chosen = [options] { return run_anchor(*options); }; });
}

}  // namespace cellrig::cli
