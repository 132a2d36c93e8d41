// SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cellrig::db {

using Sha256Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  void update(std::span<const std::byte> bytes);
  /// Once, at the end. After restart() it begins anew.
  [[nodiscard]] Sha256Digest digest();
  [[nodiscard]] std::string hex();
  void restart();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string hex_text(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace cellrig::db
