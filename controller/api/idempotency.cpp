#include "controller/api/idempotency.hpp"

namespace cellrig::api {

IdempotencyMemory::Begun IdempotencyMemory::begin(const std::string& owner, const std::string& key,
                                                  const std::string& fingerprint, std::optional<Response>& answer,
                                                  const Waiter& waiter) {
  const Name name{owner, key};
  if (const auto found = entries_.find(name); found != entries_.end()) {
    Entry& entry = found->second;
    if (entry.fingerprint != fingerprint) return Begun::other;
    if (entry.answer) {
      answer = entry.answer;
      return Begun::answered;
    }
    if (entry.waiters.size() >= waiters_max) return Begun::full;
    entry.waiters.push_back(waiter);
    return Begun::pending;
  }
  if (entries_.size() >= entries_max_) {
    if (finished_.empty()) return Begun::full;
    entries_.erase(finished_.front());
    finished_.pop_front();
  }
  entries_[name].fingerprint = fingerprint;
  return Begun::fresh;
}

void IdempotencyMemory::finish(const std::string& owner, const std::string& key, const Response& answer) {
  const Name name{owner, key};
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.answer) return;
  const std::vector<Waiter> waiters = std::move(found->second.waiters);
  found->second.waiters.clear();
  found->second.answer = answer;
  finished_.push_back(name);
  for (const Waiter& waiter : waiters) waiter(answer);
}

}  // namespace cellrig::api
