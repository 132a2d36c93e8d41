// What Reader's files share. Private to db/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "db/sqlite.hpp"

namespace cellrig::db {

struct Reader::Impl {
  Connection connection;
  std::string path;
  std::string note;

  [[nodiscard]] Result<std::vector<RunInfo>> read_runs(std::string_view where, std::optional<RunKey> run);
  [[nodiscard]] Result<std::vector<StepInfo>> read_steps(std::string_view where, std::int64_t key);
};

/// A read transaction over several questions, ended when it goes out of scope.
class ReadTransaction {
 public:
  [[nodiscard]] static Result<ReadTransaction> begin(Connection& connection) {
    if (const Result<void> begun = connection.execute("BEGIN", "reading"); !begun) return begun.error();
    return ReadTransaction(&connection);
  }
  ReadTransaction(ReadTransaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction() { end(); }
  void end() {
    if (connection_ != nullptr) (void)connection_->execute("ROLLBACK", "reading");  // nothing was written
    connection_ = nullptr;
  }

 private:
  explicit ReadTransaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

/// Opens for reading as Reader does: also the digest's way in.
struct ReadConnection {
  Connection connection;
  std::string note;
};
[[nodiscard]] Result<ReadConnection> open_for_reading(const std::string& path);

/// In the order in which they were named.
[[nodiscard]] Result<std::vector<InstrumentRow>> read_instruments(Connection& connection, RunKey run);
/// Its row has its instruments. Costs two questions of an index for a run in real time, none for another.
[[nodiscard]] Result<RunOrigin> read_origin(Connection& connection, RunKey run, const RunRow& row);

}  // namespace cellrig::db
