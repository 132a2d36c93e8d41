#include "db/verify.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "db/chain.hpp"
#include "db/lock_file.hpp"
#include "db/migrations.hpp"
#include "db/reader_impl.hpp"

namespace cellrig::db {

namespace {

constexpr std::uint64_t rows_between_progress = 8192;
constexpr std::int64_t blocks_a_page = 4096;

struct Block {
  BlockHeader header;
  std::string sha256;  ///< as stored
};

/// One table, as it was when verification began and as far as its blocks were compared.
struct TableState {
  std::int64_t first_key = 0, last_key = 0, rows = 0;  ///< in the table
  std::int64_t covered = 0;                            ///< key up to which blocks were seen
  std::int64_t rows_seen = 0;
  bool has_finding = false;  ///< about rows that no block covers
};

std::string number(std::int64_t value) { return std::to_string(value); }

std::string rows_text(std::int64_t first, std::int64_t last) {
  return first == last ? "row " + number(first) : "rows " + number(first) + " to " + number(last);
}

/// Values of other kinds, which a column of SQLite may hold, must not pass for what they are read as.
Block read_block(const Statement& s) {
  bool is_block = sqlite3_column_type(s.handle(), 5) == SQLITE_BLOB && s.blob(5).size() == sizeof(Sha256Digest);
  for (int column = 0; column < 5; ++column) is_block = is_block && sqlite3_column_type(s.handle(), column) == SQLITE_INTEGER;
  const std::int64_t adopted = s.integer(4);
  is_block = is_block && (adopted == 0 || adopted == 1);
  return Block{{s.integer(0), s.integer(1), s.integer(2), s.integer(3), adopted == 1},
               is_block ? hex_text(s.blob(5)) : std::string("not a block")};
}

class Verification {
 public:
  Verification(Connection& connection, const VerifyOptions& options) : connection_(connection), options_(options) {}

  Result<VerifyReport> run() {
    if (const Result<void> done = look_at_once(); !done) return done.error();
    if (const Result<void> done = prepare(); !done) return done.error();
    if (const Result<void> done = compare_blocks(); !done) return done.error();
    judge_tables();
    judge_anchor();
    return std::move(report_);
  }
  /// What was found before the file could not be read any further.
  VerifyReport report() { return std::move(report_); }

 private:
  void find(VerifyFinding finding) {
    if (report_.findings.size() < verify_findings_max) report_.findings.push_back(std::move(finding));
  }

  Result<void> look_at_once();
  Result<void> compare_schema();
  Result<void> compare_indexes();
  Result<void> read_tables();
  Result<void> compare_revisions(const RevisionSubject& subject);
  Result<void> prepare();
  Result<void> compare_blocks();
  Result<void> compare_block(const Block& block);
  Result<std::string> hash_rows(const Block& block, std::string& trouble);
  Result<void> judge_gap(const Block& block, const SourceTable& table, TableState& state);
  void judge_tables();
  void judge_anchor();
  void locate(VerifyFinding& finding, const SourceTable& table);

  Connection& connection_;
  const VerifyOptions& options_;
  VerifyReport report_;
  std::array<TableState, source_count> tables_;
  std::array<Statement, source_count> rows_;
  BlockHash hash_;
  ChainHead previous_ = chain_start();
  bool is_previous_known_ = true;  ///< false behind a missing block: the next hash cannot be computed
  std::uint64_t rows_total_ = 0;
  std::uint64_t next_progress_ = 0;
  bool anchor_seen_ = false;
};

// ---- what must be seen at one instant -------------------------------------------------------------------------------

Result<void> Verification::look_at_once() {
  const Result<ReadTransaction> transaction = ReadTransaction::begin(connection_);
  if (!transaction) return transaction.error();
  if (const Result<void> done = compare_schema(); !done) return done;
  if (const Result<void> done = compare_indexes(); !done) return done;
  Result<Statement> head = connection_.prepare("SELECT block, sha256 FROM chain ORDER BY block DESC LIMIT 1");
  if (!head) return head.error();
  const Result<bool> found = head->step("reading the end of the hash chain");
  if (!found) return found.error();
  report_.head = *found ? Anchor{head->integer(0), hex_text(head->blob(1))} : Anchor{0, hex_text(chain_start().sha256)};
  head->reset();
  if (const Result<void> done = read_tables(); !done) return done;
  for (const RevisionSubject& subject : revision_subjects()) {
    if (const Result<void> done = compare_revisions(subject); !done) return done;
  }
  return {};
}

/// What a person asks through the views is as much the record as its rows.
Result<void> Verification::compare_schema() {
  using Objects = std::map<std::pair<std::string, std::string>, std::string>;
  const auto read = [](Connection& connection) -> Result<Objects> {
    Result<Statement> select = connection.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema");
    if (!select) return select.error();
    Objects objects;
    for (Result<bool> row = select->step("reading the schema"); !row || *row; row = select->step("reading the schema")) {
      if (!row) return row.error();
      objects[{select->text(0), select->text(1)}] = select->text(2);
    }
    return objects;
  };
  Result<Connection> fresh = Connection::open(":memory:", OpenMode::write);
  if (!fresh) return fresh.error();
  if (const Result<void> done = migrate(*fresh, migrations(), "a new record"); !done) return done;
  const Result<Objects> expected = read(*fresh);
  if (!expected) return expected.error();
  const Result<Objects> present = read(connection_);
  if (!present) return present.error();
  for (const auto& [object, sql] : *expected) {
    const auto at = present->find(object);
    if (at == present->end()) find({.what = "the " + object.first + " " + object.second + " is missing", .table = object.second});
    if (at != present->end() && at->second != sql)
      find({.what = "the " + object.first + " " + object.second + " is not defined as it was", .table = object.second});
  }
  for (const auto& [object, sql] : *present) {
    if (object.first == "trigger")
      find({.what = "there is a trigger, " + object.second + ": it changes rows while they are written", .table = object.second});
  }
  const Result<std::string> meta = connection_.query_text("SELECT group_concat(key || '=' || value, ';') FROM meta");
  if (!meta) return meta.error();
  if (*meta != "format=cellrig record") find({.what = "meta does not say what it said", .table = "meta"});
  return {};
}

/// Rows are compared through their tables; people find them through the indexes.
Result<void> Verification::compare_indexes() {
  for (const std::string table :
       {"step", "cycle", "event", "deviation", "expected_curve", "expected_way", "quantity", "run_equipment"}) {
    const Result<std::string> verdict = connection_.query_text("PRAGMA integrity_check(" + table + ")");
    if (!verdict) return verdict.error();
    if (*verdict != "ok") find({.what = "SQLite finds " + table + " damaged: " + *verdict, .table = table});
  }
  return {};
}

Result<void> Verification::read_tables() {
  for (const SourceTable& table : source_tables()) {
    const bool is_long = table.source == Source::sample || table.source == Source::aux_sample;  // their keys have no holes
    const std::string key(table.key);
    const std::string from = " FROM " + std::string(table.table);
    const auto ask = [this](const std::string& sql) { return connection_.query_integer(sql); };
    const Result<std::optional<std::int64_t>> first = ask("SELECT min(" + key + ")" + from);
    if (!first) return first.error();
    const Result<std::optional<std::int64_t>> last = ask("SELECT max(" + key + ")" + from);
    if (!last) return last.error();
    TableState& state = tables_[index_of(table.source)];
    state.first_key = first->value_or(1);
    state.last_key = last->value_or(0);
    state.rows = state.last_key;
    if (!is_long) {
      const Result<std::optional<std::int64_t>> rows = ask("SELECT count(*)" + from);
      if (!rows) return rows.error();
      state.rows = rows->value_or(0);
    }
    rows_total_ += static_cast<std::uint64_t>(std::max<std::int64_t>(state.rows, 0));
  }
  return {};
}

/// What stands in the row must be what was written last.
Result<void> Verification::compare_revisions(const RevisionSubject& subject) {
  std::map<std::int64_t, std::string> last;
  Result<Statement> revisions = connection_.prepare("SELECT key, image FROM revision WHERE subject = ? ORDER BY revision");
  if (!revisions) return revisions.error();
  revisions->bind_all(subject.subject);
  for (Result<bool> row = revisions->step("reading revisions"); !row || *row; row = revisions->step("reading revisions")) {
    if (!row) return row.error();
    last[revisions->integer(0)] = revisions->text(1);
  }
  const std::string key(subject.key);
  Result<Statement> rows = connection_.prepare("SELECT " + key + ", " + std::string(subject.columns) + " FROM " +
                                               std::string(subject.table) + " ORDER BY " + key);
  if (!rows) return rows.error();
  const auto differs = [&](std::int64_t row, const std::string& what) {
    VerifyFinding finding{.what = std::string(subject.table) + " " + number(row) + ": " + what,
                          .table = std::string(subject.table)};
    finding.first_key = finding.last_key = row;
    for (const SourceTable& table : source_tables()) {
      if (table.table == subject.table) locate(finding, table);
    }
    if (subject.table == "resume_point") finding.run = row;
    find(std::move(finding));
  };
  for (Result<bool> row = rows->step("reading"); !row || *row; row = rows->step("reading")) {
    if (!row) return row.error();
    const auto expected = last.find(rows->integer(0));
    const std::string_view image = expected == last.end() ? subject.first_image : std::string_view{expected->second};
    if (revision_image(subject, rows->handle()) != image)
      differs(rows->integer(0), "its " + std::string(subject.subject) + " is not what was written last");
    if (expected != last.end()) last.erase(expected);
  }
  for (const auto& [row, image] : last) differs(row, "it is gone, and its " + std::string(subject.subject) + " was written");
  return {};
}

// ---- block by block -------------------------------------------------------------------------------------------------

Result<void> Verification::prepare() {
  for (const SourceTable& table : source_tables()) {
    Result<Statement> select = connection_.prepare(select_rows(table));
    if (!select) return select.error();
    rows_[index_of(table.source)] = std::move(*select);
  }
  return {};
}

Result<void> Verification::compare_blocks() {
  Result<Statement> select = connection_.prepare(
      "SELECT block, source, first_key, last_key, adopted, sha256 FROM chain WHERE block > ? AND block <= ? ORDER BY block LIMIT "
      "?");
  if (!select) return select.error();
  std::vector<Block> page;
  std::int64_t after = std::numeric_limits<std::int64_t>::min();
  while (true) {
    page.clear();
    select->bind_all(after, report_.head.block, blocks_a_page);
    for (Result<bool> row = select->step("reading blocks"); !row || *row; row = select->step("reading blocks")) {
      if (!row) return row.error();
      page.push_back(read_block(*select));
    }
    if (page.empty()) return {};
    after = page.back().header.block;
    for (const Block& block : page) {
      if (const Result<void> done = compare_block(block); !done) return done;
    }
  }
}

Result<void> Verification::compare_block(const Block& block) {
  const BlockHeader& header = block.header;
  if (header.block != previous_.block + 1) {
    find({.what = "blocks " + number(previous_.block + 1) + " to " + number(header.block - 1) + " of the chain are missing",
          .block = previous_.block + 1});
    is_previous_known_ = false;
  }
  const bool is_known = header.source >= 1 && header.source <= static_cast<std::int64_t>(source_count);
  if (!is_known || header.first_key > header.last_key) {
    find({.what = "block " + number(header.block) + " covers nothing that there is", .block = header.block});
    previous_.block = header.block;
    is_previous_known_ = false;
    return {};
  }
  const SourceTable& table = source_tables()[static_cast<std::size_t>(header.source - 1)];
  TableState& state = tables_[static_cast<std::size_t>(header.source - 1)];
  if (const Result<void> done = judge_gap(block, table, state); !done) return done;
  std::string trouble;
  const Result<std::string> computed = hash_rows(block, trouble);
  if (!computed) return computed.error();
  const bool is_same = *computed == block.sha256;
  if (!is_same && (is_previous_known_ || !trouble.empty())) {
    if (trouble.empty()) trouble = "not what was sealed, or its block was altered";
    VerifyFinding finding{.what = std::string(table.table) + " " + rows_text(header.first_key, header.last_key) + ": " + trouble,
                          .table = std::string(table.table),
                          .block = header.block,
                          .first_key = header.first_key,
                          .last_key = header.last_key};
    locate(finding, table);
    find(std::move(finding));
  }
  ++report_.blocks;
  // From what is stored: one altered block does not make all the later ones look altered.
  previous_.block = header.block;
  is_previous_known_ = block.sha256.size() == 2 * sizeof(Sha256Digest);
  for (std::size_t i = 0; is_previous_known_ && i < previous_.sha256.size(); ++i) {
    previous_.sha256[i] = static_cast<std::byte>(std::stoi(block.sha256.substr(2 * i, 2), nullptr, 16));
  }
  if (options_.anchor && options_.anchor->block == header.block) {
    anchor_seen_ = true;
    if (options_.anchor->sha256 != *computed)
      find({.what = "block " + number(header.block) + " is not the one that the anchor names: the record was written anew",
            .block = header.block});
  }
  return {};
}

/// Rows between two blocks: nobody sealed them.
Result<void> Verification::judge_gap(const Block& block, const SourceTable& table, TableState& state) {
  const BlockHeader& header = block.header;
  if (header.first_key <= state.covered) {
    find({.what = "block " + number(header.block) + " covers " + std::string(table.table) + " rows that an earlier one covers",
          .table = std::string(table.table),
          .block = header.block,
          .first_key = header.first_key,
          .last_key = header.last_key});
  } else if (header.first_key > state.covered + 1) {
    Statement& rows = rows_[index_of(table.source)];
    rows.bind_all(state.covered + 1, header.first_key - 1);
    const Result<bool> row = rows.step("reading rows between blocks");
    if (!row) return row.error();
    const std::int64_t inserted = *row ? rows.integer(0) : 0;
    rows.reset();
    if (*row) {
      VerifyFinding finding{.what = std::string(table.table) + " row " + number(inserted) + ": put in, no block covers it",
                            .table = std::string(table.table),
                            .first_key = inserted,
                            .last_key = inserted};
      locate(finding, table);
      find(std::move(finding));
      state.has_finding = true;
    }
  }
  state.covered = std::max(state.covered, header.last_key);
  return {};
}

Result<std::string> Verification::hash_rows(const Block& block, std::string& trouble) {
  const BlockHeader& header = block.header;
  const auto source = static_cast<Source>(header.source);
  const bool has_no_holes = source == Source::sample || source == Source::aux_sample;
  Statement& rows = rows_[index_of(source)];
  rows.bind_all(header.first_key, header.last_key);
  hash_.begin(previous_.sha256, header);
  std::string image;
  std::int64_t expected = header.first_key;
  TableState& state = tables_[index_of(source)];
  while (true) {
    const Result<bool> row = rows.step("reading " + std::string(source_tables()[index_of(source)].table));
    if (!row) return row.error();
    if (!*row) break;
    const std::int64_t key = rows.integer(0);
    if (has_no_holes && trouble.empty() && key != expected) trouble = rows_text(expected, key - 1) + " missing";
    expected = key + 1;
    image.clear();
    if (append_image(image, source, rows.handle())) {
      hash_.update(image);
    } else if (trouble.empty()) {
      trouble = "row " + number(key) + " holds a value of another kind than its column";
    }
    ++state.rows_seen;
    ++report_.rows;
    report_.rows_adopted += header.is_adopted ? 1 : 0;
    if (!options_.progress || report_.rows < next_progress_) continue;
    next_progress_ = report_.rows + rows_between_progress;
    options_.progress(report_.rows, rows_total_);
  }
  if (has_no_holes && trouble.empty() && expected != header.last_key + 1) {
    trouble = rows_text(expected, header.last_key) + " missing";
  }
  const std::string computed = hex_text(hash_.finish());
  // A row of an impossible kind and a right hash cannot both be: the images leave such a row out.
  return trouble.empty() ? computed : "not " + computed;
}

// ---- at the end -----------------------------------------------------------------------------------------------------

void Verification::judge_tables() {
  for (const SourceTable& table : source_tables()) {
    const TableState& state = tables_[index_of(table.source)];
    const std::string name(table.table);
    if (state.last_key > state.covered || (state.rows > 0 && state.first_key < 1)) {
      const bool is_before = state.first_key < 1;
      VerifyFinding finding{.table = name, .first_key = is_before ? state.first_key : state.covered + 1};
      finding.last_key = is_before ? std::int64_t{0} : state.last_key;
      finding.what = name + " " + rows_text(finding.first_key, finding.last_key) + ": put in, or their blocks were removed";
      locate(finding, table);
      find(std::move(finding));
    } else if (state.rows > state.rows_seen && !state.has_finding) {
      find({.what = name + ": " + number(state.rows - state.rows_seen) + " rows that no block covers", .table = name});
    }
  }
}

void Verification::judge_anchor() {
  if (!options_.anchor || options_.anchor->block == 0 || anchor_seen_) return;
  find({.what = "the anchor names block " + number(options_.anchor->block) + ", and the chain " +
                (report_.head.block < options_.anchor->block ? "ends at " + number(report_.head.block) + ": its end was cut off"
                                                             : std::string("has no such block")),
        .block = options_.anchor->block});
}

/// Run and time of the first row; what cannot be read is left out.
void Verification::locate(VerifyFinding& finding, const SourceTable& table) {
  if (table.place.empty()) return;
  Result<Statement> select = connection_.prepare(table.place);
  if (!select) return;
  for (const std::int64_t key : {finding.first_key, finding.first_key - 1}) {
    select->bind_all(key);
    const Result<bool> row = select->step("locating");
    if (!row) return;
    if (!*row) continue;  // it may be the row that is missing: the one before it says where
    finding.run = select->is_null(0) ? 0 : select->integer(0);
    finding.test_time_ns = select->optional_integer(1);
    select->reset();
    return;
  }
}

}  // namespace

Result<VerifyReport> verify_record(const std::string& path, const VerifyOptions& options) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  Verification verification(opened->connection, options);
  Result<VerifyReport> report = verification.run();
  if (!report) {
    if (report.error().fault != Fault::malformed) return report;
    // It was a record when it was opened: a page that cannot be read any more is an alteration too.
    VerifyReport broken = verification.report();
    broken.findings.push_back({.what = report.error().what});
    report = std::move(broken);
  }
  report->is_being_written = LockFile::is_held(path);
  return report;
}

Result<Anchor> chain_head(const std::string& path) {
  Result<ReadConnection> opened = open_for_reading(path);
  if (!opened) return opened.error();
  Result<Statement> head = opened->connection.prepare("SELECT block, sha256 FROM chain ORDER BY block DESC LIMIT 1");
  if (!head) return head.error();
  const Result<bool> found = head->step("reading the end of the hash chain");
  if (!found) return found.error();
  if (!*found) return Anchor{0, hex_text(chain_start().sha256)};
  return Anchor{head->integer(0), hex_text(head->blob(1))};
}

}  // namespace cellrig::db
