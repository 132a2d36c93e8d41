// Accounts that change while the service runs.
#include "controller/api/accounts_file.hpp"
#include "controller/api/service.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "controller/api/messages_words.hpp"

namespace cellrig::api {
namespace {

std::string accounts_text(const std::vector<Account>& accounts) {
  std::string text;
  for (const Account& account : accounts) {
    text += (text.empty() ? "" : ", ") + account.name + " (" + std::string{word(account.role)} + ")";
  }
  return text.empty() ? "nobody: the token alone signs in" : text;
}

}  // namespace

Task<void> Service::watch_accounts() {
  const auto file = std::make_shared<AccountsFile>(settings_.access.accounts_file);
  boost::asio::steady_timer pause{context_};
  while (true) {
    pause.expires_after(settings_.limits.accounts_look_every);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    using News = std::optional<AccountsFile::News>;
    std::function<News()> work = [file] { return file->look(); };
    const std::optional<News> news = co_await catalogue_worker_.run<News>(std::move(work));
    if (news && *news) take_accounts(std::move((*news)->accounts), (*news)->trouble);
  }
}

/// Who was signed in signs in anew: the stream of somebody who has no account any more ends, and so does that of the others, whose window
/// comes back at once.
void Service::take_accounts(std::vector<Account> accounts, const std::string& trouble) {
  const auto tell = [this](const std::string& text, bool is_trouble) {
    const ServerChange change{
        .action = is_trouble ? "accounts refused" : "accounts changed", .text = text, .is_trouble = is_trouble};
    if (settings_.on_change) settings_.on_change(change);
  };
  if (!trouble.empty()) return tell("the accounts stay as they were: " + trouble, true);
  if (accounts.empty()) {
    AccessSettings without = settings_.access;
    without.accounts.clear();
    const std::string why = why_address_is_refused(settings_.address, without);
    if (!why.empty()) return tell("the accounts stay as they were: the file holds none, and " + why, true);
  }
  if (!access_.set_accounts(accounts)) return;
  const auto has_account = [&accounts](const std::string& name) {
    return std::any_of(accounts.begin(), accounts.end(), [&name](const Account& account) { return account.name == name; });
  };
  for (const auto& [owner, feed] : named_exports_) {
    const std::shared_ptr<ExportFeed> alive = feed.lock();
    if (alive && !has_account(owner)) alive->cut();
  }
  for (const auto& subscriber : hub_.subscribers()) {
    if (!subscriber->owner().empty()) subscriber->close();
  }
  tell("the accounts were read again: " + accounts_text(accounts), false);
}

}  // namespace cellrig::api
