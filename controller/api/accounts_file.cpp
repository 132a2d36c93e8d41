#include "controller/api/accounts_file.hpp"

#include <sys/stat.h>

#include <fstream>

#include "controller/base/config_error.hpp"

namespace cellrig::api {

namespace {

bool holds_nothing(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string word;
  return !(file >> word);
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
    News news{read_accounts(path_), {}};
    news.is_blank = news.accounts.empty() && holds_nothing(path_);
    return news;
  } catch (const ConfigError& error) {
    return News{{}, error.what()};
  }
}

}  // namespace cellrig::api
