// So many requests a second, with a reserve for a burst.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

namespace cellrig::api {

/// Per client. Bounded: when more clients are known than clients_max, those whose reserve is full are forgotten, and all if none is.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t clients_max = 1024;

  RateLimit(double per_s, double burst) : per_s_{per_s}, burst_{burst} {}

  /// False: too soon; nothing is taken from the reserve then.
  [[nodiscard]] bool admits(const std::string& client, Time now) {
    Bucket& bucket = bucket_of(client, now);
    if (bucket.left < 1.0) return false;
    bucket.left -= 1.0;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double left = 0.0;
    Time at;
  };
  Bucket& bucket_of(const std::string& client, Time now) {
    const auto found = buckets_.find(client);
    if (found != buckets_.end()) {
      Bucket& bucket = found->second;
      bucket.left = std::min(burst_, bucket.left + per_s_ * std::chrono::duration<double>(now - bucket.at).count());
      bucket.at = now;
      return bucket;
    }
    if (buckets_.size() >= clients_max) {
      std::erase_if(buckets_, [&](const auto& entry) {
        const double since_s = std::chrono::duration<double>(now - entry.second.at).count();
        return entry.second.left + per_s_ * since_s >= burst_;
      });
      if (buckets_.size() >= clients_max) buckets_.clear();
    }
    return buckets_[client] = Bucket{burst_, now};
  }

  double per_s_, burst_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace cellrig::api
