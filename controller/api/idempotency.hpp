// The same key, the same answer: a client that did not hear the answer may ask again without doing it twice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/exchange.hpp"

namespace cellrig::api {

/// Bounded: when full, the oldest finished answer is forgotten. One thread.
class IdempotencyMemory {
 public:
  explicit IdempotencyMemory(std::size_t entries_max = 1024) : entries_max_{entries_max} {}

  static constexpr std::size_t key_length_max = 200;
  using Waiter = std::function<void(const Response&)>;

  enum class Begun : unsigned char {
    fresh,     ///< do it, then finish()
    answered,  ///< `answer` is what was answered
    pending,   ///< it is being done: `waiter` will be called
    other,     ///< the key was used for another request
    full,      ///< too much is being done at once
  };
  /// `owner`: keys of different people are different keys. `fingerprint`: of method, target, headers that matter and body.
  [[nodiscard]] Begun begin(const std::string& owner, const std::string& key, const std::string& fingerprint,
                            std::optional<Response>& answer, const Waiter& waiter);
  void finish(const std::string& owner, const std::string& key, const Response& answer);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Name = std::pair<std::string, std::string>;
  struct Entry {
    std::string fingerprint;
    std::optional<Response> answer;
    std::vector<Waiter> waiters;
  };
  static constexpr std::size_t waiters_max = 16;  // of one entry

  std::size_t entries_max_;
  std::map<Name, Entry> entries_;
  std::deque<Name> finished_;  ///< oldest first
};

}  // namespace cellrig::api
