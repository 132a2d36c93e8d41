#include "controller/api/rehearsals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstring>

#include "controller/api/messages_parser.hpp"

namespace cellrig::api {
namespace {

namespace asio = boost::asio;
constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr auto rehearsal_max = std::chrono::minutes{30};

double number_in(const boost::json::object& object, const char* name) {
  const boost::json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}
std::string text_in(const boost::json::object& object, const char* name) {
  const boost::json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}
Column column_in(const boost::json::object& object, const char* name) {
  Column column;
  const boost::json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return column;
  for (const boost::json::value& entry : value->get_array())
    column.push_back(entry.is_number() ? entry.to_number<double>() : std::numeric_limits<double>::quiet_NaN());
  return column;
}

/// Descriptors of instruments and clients must not outlive this process in a child: a cycler would take the link for alive, and its
/// watchdog would not fire. Not every library opens them so that exec closes them. Safe after vfork.
void keep_only_standard_streams(int descriptors_max) {
  constexpr int first = STDERR_FILENO + 1;
  if (::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int one = first; one < descriptors_max; ++one) ::fcntl(one, F_SETFD, FD_CLOEXEC);  // a kernel before 5.11
}

struct Child {
  int process = -1, output = -1, progress = -1;
};

/// vfork: this thread stands still until exec, and no page of this process is copied, which would make the control thread wait at each
/// page that it writes to. Until exec only what is safe there: other threads may hold any lock. The table of descriptors is the child's own,
/// so what it marks there is not marked here.
Child start_child(const std::vector<std::string>& command) {
  std::array<int, 2> out{-1, -1}, err{-1, -1};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return {};
  if (::pipe2(err.data(), O_CLOEXEC) != 0) {
    ::close(out[0]);
    ::close(out[1]);
    return {};
  }
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int descriptors_max = static_cast<int>(::sysconf(_SC_OPEN_MAX));
  const int process = ::vfork();
  if (process == 0) {
    constexpr int lowered = 10;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpriority(PRIO_PROCESS, 0, lowered);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    keep_only_standard_streams(descriptors_max);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  if (process > 0) return {process, out[0], err[0]};
  ::close(out[0]);
  ::close(err[0]);
  return {};
}

}  // namespace

std::optional<RehearsalResult> parse_rehearsal(std::string_view json) {
  const Decoded<boost::json::value> parsed = parse_json(json);
  if (!parsed || !parsed->is_object() || !parsed->get_object().contains("outcome")) return std::nullopt;
  const boost::json::object& object = parsed->get_object();
  const boost::json::value* const met = object.if_contains("criteria_met");
  RehearsalResult result{.outcome = text_in(object, "outcome"),
                         .criteria_met = met != nullptr && met->is_bool() && met->get_bool(),
                         .reason = text_in(object, "reason"),
                         .duration_s = number_in(object, "duration_s"),
                         .energy_Wh = number_in(object, "charge_Wh"),
                         .cycles = static_cast<std::int64_t>(number_in(object, "cycles")),
                         .rows = static_cast<std::int64_t>(number_in(object, "rows")),
                         .bytes = number_in(object, "bytes")};
  if (const Column span = column_in(object, "cell_temperature_degC"); span.size() == 2) result.peak_temperature_degC = span[1];
  for (const char* const list : {"warnings", "remarks"}) {
    const boost::json::value* const texts = object.if_contains(list);
    if (texts == nullptr || !texts->is_array()) continue;
    for (const boost::json::value& text : texts->get_array()) {
      if (text.is_string()) result.warnings.emplace_back(text.get_string());
    }
  }
  if (const boost::json::value* const limits = object.if_contains("limits"); limits != nullptr && limits->is_array()) {
    for (const boost::json::value& entry : limits->get_array()) {
      if (!entry.is_object()) continue;
      const boost::json::object& limit = entry.get_object();
      result.limits.push_back({text_in(limit, "limit"), text_in(limit, "unit"), number_in(limit, "bound"),
                               number_in(limit, "nearest"), number_in(limit, "margin"), text_in(limit, "step")});
    }
  }
  if (const boost::json::value* const curve = object.if_contains("curve"); curve != nullptr && curve->is_object()) {
    const boost::json::object& columns = curve->get_object();
    result.curves = {column_in(columns, "test_time_s"), column_in(columns, "voltage_V"), column_in(columns, "current_A"),
                     column_in(columns, "cell_temperature_degC")};
  }
  return result;
}

/// What a child has said so far.
struct Rehearsals::Output {
  std::string document, remarks;
  std::string line;       ///< of the remarks, begun
  bool is_heard = false;  ///< all of them
  bool is_too_long = false;
};

Rehearsals::~Rehearsals() {
  for (const auto& [job, process] : processes_) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
}

std::optional<std::int64_t> Rehearsals::begin(std::vector<std::string> command) {
  if (waiting_.size() >= waiting_max) return std::nullopt;
  const std::int64_t job = ++last_job_;
  jobs_[job] = RehearsalView{.job = job};
  waiting_[job] = std::move(command);
  while (jobs_.size() > kept_max) jobs_.erase(jobs_.begin());  // fewer can be unfinished
  begin_next();
  return job;
}

const RehearsalView* Rehearsals::find(std::int64_t job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

void Rehearsals::begin_next() {
  if (processes_.size() >= running_max || waiting_.empty()) return;
  auto next = waiting_.extract(waiting_.begin());
  processes_[next.key()] = 0;
  asio::co_spawn(context_, run(next.key(), std::move(next.mapped())), asio::detached);
}

Task<void> Rehearsals::run(std::int64_t job, std::vector<std::string> command) {
  const Child child = start_child(command);
  const auto output = std::make_shared<Output>();
  int status = -1;
  if (child.process > 0) {
    processes_[job] = child.process;
    jobs_[job].state = JobState::running;
    asio::readable_pipe document{context_, child.output}, remarks{context_, child.progress};
    asio::co_spawn(context_, hear(job, std::move(remarks), output), asio::detached);
    asio::steady_timer limit{context_, rehearsal_max};
    limit.async_wait([process = child.process](const boost::system::error_code& error) {
      if (!error) ::kill(process, SIGKILL);
    });
    std::array<char, 65536> part{};
    while (!output->is_too_long) {
      const auto buffer = asio::buffer(part);
      const auto [error, count] = co_await document.async_read_some(buffer, quiet);
      if (error) break;
      output->is_too_long = output->document.size() + count > output_bytes_max;
      if (!output->is_too_long) output->document.append(part.data(), count);
    }
    if (output->is_too_long) ::kill(child.process, SIGKILL);
    status = co_await end_of(child.process, output);
  }
  processes_.erase(job);
  finish(job, status, *output);
  begin_next();
}

/// "progress 0.42" is how far it is; everything else is for people.
void Rehearsals::note(std::int64_t job, Output& output, std::string_view text) {
  constexpr std::size_t remarks_max = 64 * 1024, line_max = 4096;
  constexpr std::string_view word = "progress ";
  output.line += text;
  for (std::size_t end = 0; (end = output.line.find('\n')) != std::string::npos; output.line.erase(0, end + 1)) {
    const std::string_view line = std::string_view{output.line}.substr(0, end);
    double share = 0;
    if (line.starts_with(word) &&
        std::from_chars(line.data() + word.size(), line.data() + line.size(), share).ec == std::errc{}) {
      if (const auto found = jobs_.find(job); found != jobs_.end()) found->second.progress = std::clamp(share, 0.0, 1.0);
    } else if (output.remarks.size() + line.size() <= remarks_max) {
      output.remarks.append(line).append("\n");
    }
  }
  if (output.line.size() > line_max) output.line.clear();
}

Task<void> Rehearsals::hear(std::int64_t job, asio::readable_pipe pipe, std::shared_ptr<Output> output) {
  std::array<char, 4096> part{};
  while (true) {
    const auto buffer = asio::buffer(part);
    const auto [error, count] = co_await pipe.async_read_some(buffer, quiet);
    if (error) break;
    const std::string_view text{part.data(), count};
    note(job, *output, text);
  }
  output->is_heard = true;
}

/// It has closed its output; its end is near, and so is that of what it says to people.
Task<int> Rehearsals::end_of(int process, std::shared_ptr<Output> output) {
  constexpr auto look_every = std::chrono::milliseconds{5};
  constexpr int looks_max = 400;  // for somebody else who still holds the pipe
  asio::steady_timer timer{context_};
  int status = -1;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    timer.expires_after(look_every);
    co_await timer.async_wait(quiet);
  }
  for (int i = 0; i < looks_max && !output->is_heard; ++i) {
    timer.expires_after(look_every);
    co_await timer.async_wait(quiet);
  }
  co_return status;
}

void Rehearsals::finish(std::int64_t job, int status, const Output& output) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  RehearsalView& view = found->second;
  const bool has_ended = status >= 0 && WIFEXITED(status);
  view.result = has_ended ? parse_rehearsal(output.document) : std::nullopt;
  view.state = view.result ? JobState::done : JobState::failed;
  view.progress = view.result ? std::optional{1.0} : std::nullopt;
  if (view.result) return;
  if (output.is_too_long) {
    view.text = "the rehearsal said more than can be kept";
  } else if (!output.remarks.empty()) {
    view.text = output.remarks;
  } else {
    view.text = has_ended ? "the rehearsal ended without a result" : "the rehearsal could not be run, or took too long";
  }
}

}  // namespace cellrig::api
