// The accounts file while the service runs: read again when somebody has changed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "controller/api/access.hpp"

namespace cellrig::api {

/// One thread at a time.
class AccountsFile {
 public:
  explicit AccountsFile(std::string path) : path_{std::move(path)} {}

  struct News {
    std::vector<Account> accounts;
    std::string trouble;       ///< why the file says nothing that counts; empty: `accounts` are those of now
    bool says_nobody = false;  ///< it has the line "# nobody"
  };
  /// None: nothing that was not told before. A change is told at the second look that finds it: whoever writes the file has done so then.
  [[nodiscard]] std::optional<News> look();

 private:
  /// Device, number, size, and both times in nanoseconds; none: there is no such file.
  using Stamp = std::optional<std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, std::int64_t>>;
  [[nodiscard]] Stamp stamp() const;

  std::string path_;
  std::optional<Stamp> seen_, judged_;
};

}  // namespace cellrig::api
