// Who may do what: one token for a bench that listens on its own machine only, named accounts for everything else.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/messages.hpp"
#include "controller/base/result.hpp"

namespace cellrig::api {

/// A person who may sign in with a password (HTTP Basic). The password is not kept, only what scrypt makes of it.
struct Account {
  std::string name;
  Role role = Role::viewer;
  std::string salt_hex, hash_hex;
  [[nodiscard]] bool operator==(const Account&) const = default;
};

struct AccessSettings {
  std::string token;  ///< whoever has it is an engineer; empty: accounts only
  std::vector<Account> accounts;
  std::string accounts_file;               ///< where they are from, and looked for again when it changes; empty: nowhere
  std::string certificate_file, key_file;  ///< PEM; both or neither. Given: TLS
};

/// Whose request it is.
struct Principal {
  std::string name;  ///< empty: of the token, which has no name
  Role role = Role::viewer;
};

/// 256 bits of the system's randomness, in hexadecimal.
[[nodiscard]] std::string random_token();

/// Reads the token file; makes it, with a new token and mode 0600, when there is none. refused: others may read it, or it holds no token.
[[nodiscard]] Result<std::string> token_of_file(const std::string& path);

/// One account a line: name, role, salt and hash, with blanks between; lines with # are comments. Throws ConfigError with line and nearest role.
[[nodiscard]] std::vector<Account> read_accounts(const std::string& path);
/// What stands in the file. Throws ConfigError: it cannot be read, or others may write it.
[[nodiscard]] std::string accounts_text(const std::string& path);
[[nodiscard]] std::vector<Account> parse_accounts(std::string_view text, const std::string& file);
/// The line for such a file. About 50 ms of work and 16 MiB.
[[nodiscard]] std::string account_line(const std::string& name, Role role, std::string_view password);

/// Of any bytes, in hexadecimal.
[[nodiscard]] std::string sha256_text(std::string_view bytes);

/// Takes the same time wherever the texts differ.
[[nodiscard]] bool is_same_secret(std::string_view a, std::string_view b);

/// Empty: this address may be listened on. Else why not, and what to do.
[[nodiscard]] std::string why_address_is_refused(const std::string& address, const AccessSettings& access);

/// Judges Authorization headers. One thread.
class Access {
 public:
  explicit Access(AccessSettings settings);

  enum class Verdict : unsigned char { known, wrong, needs_hashing };
  struct Judged {
    Verdict verdict = Verdict::wrong;
    Principal principal;
  };
  /// At once: for the token, and for a password that was right before. needs_hashing: do what hasher() gives elsewhere, then remember().
  [[nodiscard]] Judged judge(std::string_view authorization) const;
  /// Slow; touches nothing that changes, so that another thread may do it.
  [[nodiscard]] std::function<std::optional<Principal>()> hasher(std::string authorization) const;
  void remember(std::string_view authorization, const Principal& principal);
  /// Those of now; what was right before is forgotten. False: they are what they were.
  bool set_accounts(std::vector<Account> accounts);
  [[nodiscard]] bool has_account(const std::string& name) const;
  [[nodiscard]] bool has_accounts() const { return !accounts_->empty(); }
  /// Another number with each change of the accounts.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  [[nodiscard]] std::string digest(std::string_view authorization) const;

  std::string token_;
  std::shared_ptr<const std::vector<Account>> accounts_;
  std::uint64_t generation_ = 0;
  std::string process_key_;                 ///< so that what is remembered says nothing elsewhere
  std::map<std::string, Principal> known_;  ///< by digest
};

}  // namespace cellrig::api
