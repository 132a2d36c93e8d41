#include "db/chain_writer.hpp"

#include <algorithm>

namespace cellrig::db {

namespace {

/// Rows a block holds at most: so near verify comes to an altered sample. A smaller one costs the writer more (some 2 us a block).
constexpr std::int64_t block_rows_max = 256;

Sha256Digest digest_of(std::span<const std::byte> bytes) {
  Sha256Digest digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

std::string select_subject(const RevisionSubject& subject, bool is_one_key) {
  std::string sql = "SELECT ";
  sql.append(subject.key).append(", ").append(subject.columns).append(" FROM ").append(subject.table);
  if (is_one_key) sql.append(" WHERE ").append(subject.key).append(" = ?1");
  return sql;
}

}  // namespace

Result<void> ChainWriter::open(Connection& connection) {
  connection_ = &connection;
  const auto prepare = [&connection](Statement& target, const std::string& sql) -> Result<void> {
    Result<Statement> statement = connection.prepare(sql);
    if (!statement) return statement.error();
    target = std::move(*statement);
    return {};
  };
  if (const Result<void> done =
          prepare(insert_block_, "INSERT INTO chain(block, source, first_key, last_key, adopted, sha256) VALUES(?,?,?,?,?,?)");
      !done) {
    return done;
  }
  if (const Result<void> done = prepare(insert_revision_, "INSERT INTO revision(subject, key, image) VALUES(?,?,?)"); !done) {
    return done;
  }
  for (std::size_t i = 0; i < subject_count; ++i) {
    const std::string sql = select_subject(revision_subjects()[i], true);
    if (const Result<void> done = prepare(read_subject_[i], sql); !done) return done;
  }
  for (std::size_t i = 0; i < source_count; ++i) {
    if (const Result<void> done = prepare(read_rows_[i], select_rows(source_tables()[i])); !done) return done;
  }
  return load();
}

Result<void> ChainWriter::load() {
  Result<Statement> last = connection_->prepare("SELECT block, sha256 FROM chain ORDER BY block DESC LIMIT 1");
  if (!last) return last.error();
  const Result<bool> found = last->step("reading the end of the hash chain");
  if (!found) return found.error();
  head_ = *found ? ChainHead{last->integer(0), digest_of(last->blob(1))} : chain_start();
  last->reset();
  bool has_rows = false;
  for (const SourceTable& table : source_tables()) {
    const Result<std::optional<std::int64_t>> key =
        connection_->query_integer("SELECT max(" + std::string(table.key) + ") FROM " + std::string(table.table));
    if (!key) return key.error();
    sealed_[index_of(table.source)] = key->value_or(0);
    has_rows = has_rows || key->has_value();
  }
  if (*found || !has_rows) return {};
  return adopt();
}

/// A record of an older cellrig. One transaction: a process that dies here does it again.
Result<void> ChainWriter::adopt() {
  if (const Result<void> done = connection_->execute("BEGIN IMMEDIATE", "adopting the rows from before the hash chain"); !done) {
    return done;
  }
  Result<void> done = adopt_rows();
  if (done) done = connection_->execute("COMMIT", "adopting the rows from before the hash chain");
  if (!done && sqlite3_get_autocommit(connection_->handle()) == 0) {
    (void)connection_->execute("ROLLBACK", "adopting");  // the first error is the one worth telling
  }
  return done;
}

Result<void> ChainWriter::adopt_rows() {
  for (std::size_t i = 0; i < subject_count; ++i) {
    if (const Result<void> done = adopt_revisions(static_cast<Subject>(i)); !done) return done;
  }
  const Result<std::optional<std::int64_t>> revisions = connection_->query_integer("SELECT max(revision) FROM revision");
  if (!revisions) return revisions.error();
  sealed_[index_of(Source::revision)] = revisions->value_or(0);
  touched_.reset(index_of(Source::revision));
  for (const SourceTable& table : source_tables()) {
    const std::int64_t last = sealed_[index_of(table.source)];
    for (std::int64_t first = 1; first <= last; first += block_rows_max) {
      const BlockHeader header{head_.block + 1, static_cast<std::int64_t>(table.source), first,
                               std::min(last, first + block_rows_max - 1), true};
      if (const Result<void> done = seal_rows(header); !done) return done;
    }
  }
  return {};
}

Result<void> ChainWriter::adopt_revisions(Subject subject) {
  const RevisionSubject& what = revision_subjects()[static_cast<std::size_t>(subject)];
  Result<Statement> rows = connection_->prepare(select_subject(what, false) + " ORDER BY 1");
  if (!rows) return rows.error();
  while (true) {
    const Result<bool> row = rows->step("reading what was written over");
    if (!row) return row.error();
    if (!*row) return {};
    const std::string image = revision_image(what, rows->handle());
    if (image == what.first_image) continue;
    insert_revision_.bind_all(what.subject, rows->integer(0), image);
    if (const Result<void> done = insert_revision_.run("storing a revision"); !done) return done;
  }
}

Result<void> ChainWriter::add(std::span<const SampleRow> samples) {
  for (const SampleRow& row : samples) {
    append_image(samples_.images, row);
    if (++samples_.rows < block_rows_max) continue;
    if (const Result<void> done = seal_pending(Source::sample, samples_); !done) return done;
  }
  return {};
}

Result<void> ChainWriter::add(StepKey step, std::int64_t test_time_ns, std::int64_t quantity, double value) {
  append_image(aux_.images, step, test_time_ns, quantity, value);
  if (++aux_.rows < block_rows_max) return {};
  return seal_pending(Source::aux_sample, aux_);
}

Result<void> ChainWriter::revise(Subject subject, std::int64_t key) {
  const RevisionSubject& what = revision_subjects()[static_cast<std::size_t>(subject)];
  Statement& read = read_subject_[static_cast<std::size_t>(subject)];
  read.bind_all(key);
  const Result<bool> row = read.step("reading back a " + std::string(what.subject));
  if (!row) return row.error();
  if (!*row) return {};
  const std::string image = revision_image(what, read.handle());
  read.reset();
  insert_revision_.bind_all(what.subject, key, image);
  touch(Source::revision);
  return insert_revision_.run("storing a revision");
}

Result<void> ChainWriter::seal() {
  if (const Result<void> done = seal_pending(Source::sample, samples_); !done) return done;
  if (const Result<void> done = seal_pending(Source::aux_sample, aux_); !done) return done;
  if (touched_.none()) return {};
  for (const SourceTable& table : source_tables()) {
    if (!touched_.test(index_of(table.source))) continue;
    if (const Result<void> done = seal_touched(table.source); !done) return done;
  }
  touched_.reset();
  return {};
}

Result<void> ChainWriter::seal_pending(Source source, Pending& pending) {
  if (pending.rows == 0) return {};
  const std::int64_t sealed = sealed_[index_of(source)];
  const BlockHeader header{head_.block + 1, static_cast<std::int64_t>(source), sealed + 1, sealed + pending.rows};
  hash_.begin(head_.sha256, header);
  hash_.update(pending.images);
  pending.images.clear();
  pending.rows = 0;
  return write_block(header, hash_.finish());
}

Result<void> ChainWriter::seal_touched(Source source) {
  const SourceTable& table = source_tables()[index_of(source)];
  const Result<std::optional<std::int64_t>> last =
      connection_->query_integer("SELECT max(" + std::string(table.key) + ") FROM " + std::string(table.table));
  if (!last) return last.error();
  const std::int64_t sealed = sealed_[index_of(source)];
  // A profile that was found and not inserted.
  if (last->value_or(0) <= sealed) return {};
  return seal_rows({head_.block + 1, static_cast<std::int64_t>(source), sealed + 1, **last});
}

Result<void> ChainWriter::seal_rows(const BlockHeader& header) {
  const auto source = static_cast<Source>(header.source);
  Statement& rows = read_rows_[index_of(source)];
  rows.bind_all(header.first_key, header.last_key);
  hash_.begin(head_.sha256, header);
  std::string image;
  while (true) {
    const Result<bool> row = rows.step("reading back rows to seal");
    if (!row) return row.error();
    if (!*row) break;
    image.clear();
    // A value of an impossible type, in a record from before: verify says so of the row.
    if (!append_image(image, source, rows.handle())) continue;
    hash_.update(image);
  }
  return write_block(header, hash_.finish());
}

Result<void> ChainWriter::write_block(const BlockHeader& header, const Sha256Digest& sha256) {
  insert_block_.bind_all(header.block, header.source, header.first_key, header.last_key, header.is_adopted,
                         std::span<const std::byte>{sha256});
  if (const Result<void> done = insert_block_.run("storing a block of the hash chain"); !done) return done;
  head_ = {header.block, sha256};
  sealed_[index_of(static_cast<Source>(header.source))] = header.last_key;
  return {};
}

}  // namespace cellrig::db
