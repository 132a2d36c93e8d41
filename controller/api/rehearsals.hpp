// Rehearsals that clients asked for: child processes, a few at a time, whose results are kept for a while.
#pragma once

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/messages.hpp"
#include "controller/async/task.hpp"

namespace cellrig::api {

/// What `cellrig rehearse --json --curve` printed. Empty: it is no such document.
[[nodiscard]] std::optional<RehearsalResult> parse_rehearsal(std::string_view json);

/// API thread. A child gets no more than lowered priority, and does not outlive this process.
class Rehearsals {
 public:
  static constexpr std::size_t running_max = 1;  ///< one core is the control thread's
  static constexpr std::size_t waiting_max = 16;
  static constexpr std::size_t kept_max = 64;
  static constexpr std::size_t output_bytes_max = 16U << 20U;

  explicit Rehearsals(boost::asio::io_context& context) : context_{context} {}
  ~Rehearsals();
  Rehearsals(const Rehearsals&) = delete;
  Rehearsals& operator=(const Rehearsals&) = delete;

  /// The number of the job; empty: too many wait already.
  [[nodiscard]] std::optional<std::int64_t> begin(std::vector<std::string> command);
  [[nodiscard]] const RehearsalView* find(std::int64_t job) const;

 private:
  struct Output;
  void begin_next();
  [[nodiscard]] Task<void> run(std::int64_t job, std::vector<std::string> command);
  [[nodiscard]] Task<void> hear(std::int64_t job, boost::asio::readable_pipe pipe, std::shared_ptr<Output> output);
  void note(std::int64_t job, Output& output, std::string_view text);
  [[nodiscard]] Task<int> end_of(int process, std::shared_ptr<Output> output);
  void finish(std::int64_t job, int status, const Output& output);

  boost::asio::io_context& context_;
  std::int64_t last_job_ = 0;
  std::map<std::int64_t, RehearsalView> jobs_;
  std::map<std::int64_t, std::vector<std::string>> waiting_;
  std::map<std::int64_t, int> processes_;  ///< by job
};

}  // namespace cellrig::api
