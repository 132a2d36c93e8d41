#include "controller/api/accounts_file.hpp"

#include <sys/stat.h>

#include <sstream>

#include "controller/base/config_error.hpp"

namespace cellrig::api {

namespace {

/// The line by which somebody says that there is to be no account.
bool says_nobody(const std::string& text) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string hash, word, rest;
    if (words >> hash >> word && hash == "#" && word == "nobody" && !(words >> rest)) return true;
  }
  return false;
}

}  // namespace

AccountsFile::Stamp AccountsFile::stamp() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return std::nullopt;
  constexpr std::int64_t ns_per_s = 1'000'000'000;
  return std::tuple{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
                    static_cast<std::int64_t>(info.st_size), info.st_mtim.tv_sec * ns_per_s + info.st_mtim.tv_nsec,
                    info.st_ctim.tv_sec * ns_per_s + info.st_ctim.tv_nsec};
}

std::optional<AccountsFile::News> AccountsFile::look() {
  const Stamp now = stamp();
  if (judged_ && *judged_ == now) return std::nullopt;
  if (!seen_ || *seen_ != now) {
    seen_ = now;
    return std::nullopt;
  }
  judged_ = now;
  try {
    const std::string text = accounts_text(path_);
    return News{.accounts = parse_accounts(text, path_), .trouble = {}, .says_nobody = says_nobody(text)};
  } catch (const ConfigError& error) {
    return News{.accounts = {}, .trouble = error.what()};
  }
}

}  // namespace cellrig::api
