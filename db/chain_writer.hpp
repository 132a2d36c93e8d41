// Seals what the writing connection wrote: blocks of the hash chain, in the transaction of their rows. Private to the record store.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>

#include "db/chain.hpp"

namespace cellrig::db {

class ChainWriter {
 public:
  /// Reads where the chain ends. Rows from before there was a chain are adopted: sealed as they are, and marked as such. Rows that
  /// somebody else put in since are not: verify finds them.
  [[nodiscard]] Result<void> open(Connection& connection);

  /// Samples and auxiliary samples, in the order in which they were inserted; sealed from memory.
  [[nodiscard]] Result<void> add(std::span<const SampleRow> samples);
  [[nodiscard]] Result<void> add(StepKey step, std::int64_t test_time_ns, std::int64_t quantity, double value);
  /// Rows were inserted into this table: seal() reads them back.
  void touch(Source source) { touched_.set(index_of(source)); }
  /// Keeps the values that were just written over others.
  [[nodiscard]] Result<void> revise(Subject subject, std::int64_t key);

  /// Blocks for everything that has none yet. To be called before COMMIT.
  [[nodiscard]] Result<void> seal();
  [[nodiscard]] std::int64_t sealed_key(Source source) const { return sealed_[index_of(source)]; }

 private:
  /// Images of rows that wait for their block to be full.
  struct Pending {
    std::string images;
    std::int64_t rows = 0;
  };

  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> adopt();
  [[nodiscard]] Result<void> adopt_rows();
  [[nodiscard]] Result<void> adopt_revisions(Subject subject);
  [[nodiscard]] Result<void> seal_pending(Source source, Pending& pending);
  [[nodiscard]] Result<void> seal_touched(Source source);
  [[nodiscard]] Result<void> seal_rows(const BlockHeader& header);
  [[nodiscard]] Result<void> write_block(const BlockHeader& header, const Sha256Digest& sha256);

  Connection* connection_ = nullptr;
  Statement insert_block_, insert_revision_;
  std::array<Statement, subject_count> read_subject_;
  std::array<Statement, source_count> read_rows_;
  BlockHash hash_;
  ChainHead head_;
  std::array<std::int64_t, source_count> sealed_{};
  std::bitset<source_count> touched_;
  Pending samples_, aux_;
};

}  // namespace cellrig::db
