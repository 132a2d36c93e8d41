#include "tests/program/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/bench_harness.hpp"

namespace cellrig::test {
namespace {

constexpr int poll_pause_ms = 10;
constexpr Seconds run_limit{60};
constexpr Seconds start_limit{20};
constexpr int reply_limit_ms = 10'000;

std::string read_file(const std::string& path) {
  std::ifstream stream{path};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Runs in the child, between fork and exec.
void become(const std::vector<std::string>& command, const ProcessOptions& options, const std::string& out, int err_descriptor) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out_descriptor = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(options.errors == Errors::terminal ? err_descriptor : nothing, STDIN_FILENO);
  ::dup2(out_descriptor, STDOUT_FILENO);
  ::dup2(err_descriptor, STDERR_FILENO);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.file_bytes_max) {
    const rlimit limit{*options.file_bytes_max, *options.file_bytes_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (::chdir(options.folder.c_str()) != 0) ::_exit(126);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

int connect_to(const std::string& host_port) {
  const std::uint16_t port = static_cast<std::uint16_t>(std::stoi(host_port.substr(host_port.rfind(':') + 1)));
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("no back door at " + host_port);
  return descriptor;
}

}  // namespace

bool eventually(Seconds limit, const std::function<bool()>& predicate) {
  const auto give_up = std::chrono::steady_clock::now() + limit;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    ::poll(nullptr, 0, poll_pause_ms);
  }
  return true;
}

Process::Process(const std::vector<std::string>& command, ProcessOptions options) : options_{std::move(options)} {
  if (options_.folder.empty()) options_.folder = temporary_folder();
  const std::string outputs = temporary_folder();
  out_path_ = outputs + "/out";
  err_path_ = outputs + "/err";
  const int errors = open_errors();
  pid_ = ::fork();
  if (pid_ == 0) become(command, options_, out_path_, errors);
  ::close(errors);
  pid_descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36 declares pidfd_open() without extern "C"
}

Process::~Process() {
  if (!ended_) {
    signal(SIGKILL);
    (void)wait(start_limit);
  }
  ::close(pid_descriptor_);
  if (pipe_[0] >= 0) ::close(pipe_[0]);
}

/// The descriptor that becomes the child's standard error.
int Process::open_errors() {
  if (options_.errors == Errors::file) return ::open(err_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (options_.errors == Errors::terminal) return open_terminal();
  if (::pipe2(pipe_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  if (options_.errors == Errors::nobody_reads) {
    ::close(std::exchange(pipe_[0], -1));
    return std::exchange(pipe_[1], -1);
  }
  ::fcntl(pipe_[1], F_SETFL, O_NONBLOCK);
  const std::string much(4096, '.');
  while (::write(pipe_[1], much.data(), much.size()) > 0) {
  }
  ::fcntl(pipe_[1], F_SETFL, 0);
  return std::exchange(pipe_[1], -1);
}

int Process::open_terminal() {
  pipe_[0] = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pipe_[0] < 0 || ::grantpt(pipe_[0]) != 0 || ::unlockpt(pipe_[0]) != 0) throw std::runtime_error("no terminal");
  ::fcntl(pipe_[0], F_SETFL, O_NONBLOCK);
  const int other_end = ::open(::ptsname(pipe_[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other_end < 0) throw std::runtime_error("no other end of a terminal");
  return other_end;
}

void Process::type(const std::string& text) const {
  if (::write(pipe_[0], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("the terminal takes no more");
}

void Process::signal(int number) const { ::kill(pid_, number); }

bool Process::has_ended() { return wait(Seconds{0}).has_value(); }

std::optional<int> Process::wait(Seconds limit) {
  if (ended_) return ended_;
  pollfd watch{.fd = pid_descriptor_, .events = POLLIN, .revents = 0};
  if (::poll(&watch, 1, static_cast<int>(limit.count() * 1000)) != 1) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

std::string Process::out() const { return read_file(out_path_); }

std::string Process::err() const {
  if (options_.errors != Errors::terminal) return read_file(err_path_);
  char buffer[4096];
  for (ssize_t n = ::read(pipe_[0], buffer, sizeof buffer); n > 0; n = ::read(pipe_[0], buffer, sizeof buffer))
    shown_.append(buffer, static_cast<std::size_t>(n));
  return shown_;
}

ProcessOptions with_leases(ProcessOptions options) {
  static const std::string leases = temporary_folder();
  options.environment.emplace("CELLRIG_LEASE_DIR", leases);
  return options;
}

std::vector<std::string> cellrig_command(const std::vector<std::string>& words) {
  std::vector<std::string> command{CELLRIG_PROGRAM};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

Finished cellrig(const std::vector<std::string>& words, ProcessOptions options) {
  Process process(cellrig_command(words), with_leases(std::move(options)));
  const std::optional<int> code = process.wait(run_limit);
  if (!code) ADD_FAILURE() << "cellrig did not end within a minute:\n" << process.err();
  return {code.value_or(-1), process.out(), process.err()};
}

Simulator::Simulator(const std::string& bench) : folder_{temporary_folder()}, ready_file_{folder_ + "/ready.json"} {
  const bool is_text = bench.find('\n') != std::string::npos;
  bench_file_ =
      is_text ? file_with(bench, "bench.yaml", folder_) : std::string(CELLRIG_SOURCE_DIR) + "/sim/benches/" + bench + ".yaml";
  process_ =
      std::make_unique<Process>(std::vector<std::string>{CELLRIG_SIM_PROGRAM, bench_file_, "--ready-file", ready_file_, "--cells",
                                                         std::string(CELLRIG_SOURCE_DIR) + "/profiles/cells", "--quiet"});
  const auto is_ready = [this] { return std::filesystem::exists(ready_file_) || process_->has_ended(); };
  if (!eventually(start_limit, is_ready) || process_->has_ended())
    throw std::runtime_error("cellrig-sim did not start: " + process_->err());
  door_ = connect_to(std::string(boost::json::parse(read_file(ready_file_)).at("back_door").as_string()));
}

Simulator::~Simulator() {
  if (door_ >= 0) ::close(door_);
}

std::string Simulator::ask(const std::string& line) {
  const std::string message = line + "\n";
  if (::send(door_, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
    throw std::runtime_error("the back door is shut");
  std::string reply;
  while (reply.empty() || reply.back() != '\n') {
    pollfd watch{.fd = door_, .events = POLLIN, .revents = 0};
    if (::poll(&watch, 1, reply_limit_ms) != 1) throw std::runtime_error("the back door does not answer '" + line + "'");
    char buffer[4096];
    const ssize_t n = ::recv(door_, buffer, sizeof buffer, 0);
    if (n <= 0) throw std::runtime_error("the back door was closed");
    reply.append(buffer, static_cast<std::size_t>(n));
  }
  reply.pop_back();
  return reply;
}

void Simulator::fault(const std::string& order) { EXPECT_EQ(ask("fault " + order), "ok") << order; }

ChannelTruth Simulator::truth(const std::string& channel) {
  const boost::json::value all = boost::json::parse(ask("truth"));
  const boost::json::object& of = all.at("channels").at(channel).as_object();
  const auto number = [&of](const char* key) { return of.at(key).to_number<double>(); };
  return {number("current_A"),
          number("voltage_V"),
          number("soc"),
          number("current_max_A"),
          number("current_min_A"),
          of.at("output_on").as_bool(),
          of.at("contactor_closed").as_bool()};
}

bool Simulator::is_off(const std::string& channel) {
  const ChannelTruth now = truth(channel);
  return now.current_A == 0.0 && (!now.output_on || !now.contactor_closed);
}

std::string file_with(const std::string& text, const std::string& name, const std::string& folder) {
  const std::string path = (folder.empty() ? temporary_folder() : folder) + "/" + name;
  std::ofstream{path} << text;
  return path;
}

}  // namespace cellrig::test
