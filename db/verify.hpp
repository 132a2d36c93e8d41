// Has anything in this record been changed, removed, put in or reordered since it was written?
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/result.hpp"
#include "db/record.hpp"

namespace cellrig::db {

/// The end of the chain as somebody noted it elsewhere: nobody who can write the database can move it.
struct Anchor {
  std::int64_t block = 0;
  std::string sha256;  ///< hexadecimal
};

struct VerifyOptions {
  std::optional<Anchor> anchor;
  /// Rows compared so far, and how many there are. Called every some thousand rows.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// A place where the record is not what was sealed.
struct VerifyFinding {
  std::string what;   ///< one sentence
  std::string table;  ///< empty: the chain or the file as a whole
  std::int64_t block = 0;
  std::int64_t first_key = 0, last_key = 0;  ///< of its rows
  RunKey run = 0;
  std::optional<std::int64_t> test_time_ns;  ///< of the first of them
};

struct VerifyReport {
  Anchor head;  ///< as it is in the record; block 0: nothing was sealed yet
  std::uint64_t blocks = 0;
  std::uint64_t rows = 0;
  std::uint64_t rows_adopted = 0;       ///< of them: older than the chain, known only since then
  std::vector<VerifyFinding> findings;  ///< the first ones; empty: intact
  bool is_being_written = false;

  [[nodiscard]] bool is_intact() const { return findings.empty(); }
};

inline constexpr std::size_t verify_findings_max = 20;

/// Works beside a writer: what is judged is the record as it was when it began, in short read transactions. An Error is for what is
/// no record, or cannot be read at all.
[[nodiscard]] Result<VerifyReport> verify_record(const std::string& path, const VerifyOptions& options = {});

/// The end of the chain now.
[[nodiscard]] Result<Anchor> chain_head(const std::string& path);

}  // namespace cellrig::db
