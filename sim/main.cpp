// cellrig-sim: a simulated bench on real sockets, a process of its own.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "controller/base/config_error.hpp"
#include "controller/base/resources.hpp"
#include "sim/bench.hpp"
#include "sim/faults/catalogue.hpp"
#include "sim/net/server.hpp"

namespace {

namespace fs = std::filesystem;
using namespace cellrig;

constexpr int exit_done = 0;
constexpr int exit_bad_input = 2;
constexpr int exit_instrument_failed = 4;
constexpr int exit_signal_base = 128;

volatile std::sig_atomic_t received_signal = 0;
sim::SimServer* serving = nullptr;

extern "C" void on_signal(int number) {
  received_signal = number;
  if (serving != nullptr) serving->request_stop();
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

struct Arguments {
  std::string bench;
  std::string ready_file;
  std::vector<std::string> cell_directories;
  std::string fault_file;
  std::uint64_t seed = 1;
  bool lists_faults = false;
  bool quiet = false;
  sim::ServerOptions server;
};

/// Where a cell file named in a bench may lie: as asked for, beside the bench, or among those that come with the program.
std::vector<std::string> cell_directories(const Arguments& arguments, const std::string& bench) {
  std::vector<std::string> all = arguments.cell_directories;
  const fs::path beside = fs::path{bench}.parent_path();
  all.push_back(beside.empty() ? "." : beside.lexically_normal().string());
  all.push_back(cell_directory());
  return all;
}

std::string ready_text(const sim::SimServer& server) {
  std::string text = fmt::format(R"({{"schema_version":1,"pid":{},"back_door":"{}:{}","instruments":{{)", ::getpid(),
                                 server.host(), server.back_door_port());
  const std::string* previous = nullptr;
  for (const sim::ServedPort& port : server.ports()) {
    const bool is_same = previous != nullptr && *previous == port.instrument;
    if (!is_same) text += fmt::format(R"({}"{}":{{)", previous == nullptr ? "" : "},", port.instrument);
    text += fmt::format(R"({}"{}":"{}")", is_same ? "," : "", port.name, port.address);
    previous = &port.instrument;
  }
  return text + (previous == nullptr ? "}}\n" : "}}}\n");
}

/// Whoever waits for the file never reads half of it.
void write_ready_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp." + std::to_string(::getpid());
  std::ofstream stream{temporary};
  stream << text;
  stream.close();
  if (!stream) throw std::system_error{errno, std::generic_category(), "can't write " + temporary};
  fs::rename(temporary, path);
}

void print_table(const sim::SimServer& server, const std::string& bench) {
  fmt::print(stderr, "simulated bench '{}'\n  {:<12} {:<8} {}:{}\n", bench, "back door", "", server.host(),
             server.back_door_port());
  for (const sim::ServedPort& port : server.ports()) {
    fmt::print(stderr, "  {:<12} {:<8} {}\n", port.instrument, port.name, port.address);
  }
  if (!server.host().starts_with("127.")) {
    fmt::print(stderr, "warning: {} is not this machine's loopback: whoever reaches it can operate the bench\n", server.host());
  }
}

/// Number, what goes wrong, the order; behind it other forms of the same fault and, unless it is anywhere, the place where it can be.
int list_faults() {
  constexpr std::array<const char*, 2> places{"", "  [controller]"};
  for (const sim::faults::NumberedFault& fault : sim::faults::numbered_faults()) {
    std::string order = fmt::format("{}{}{}", fault.kind, fault.keys.empty() ? "" : " ", fault.keys);
    if (!fault.also.empty()) order += fmt::format("  | {}", fault.also);
    fmt::print("{}  {:<57}  {}{}\n", fault.number, fault.name, order, places[static_cast<std::size_t>(fault.where)]);
  }
  return exit_done;
}

int serve(const Arguments& arguments) {
  const std::string file = find_bench(arguments.bench);
  const sim::BenchOptions options{
      .cell_directories = cell_directories(arguments, file), .seed = arguments.seed, .fault_file = arguments.fault_file};
  const std::unique_ptr<sim::SimulatedBench> bench = sim::SimulatedBench::load(file, options);
  sim::SimServer server{*bench, arguments.server};
  serving = &server;
  catch_signals();
  if (!arguments.ready_file.empty()) write_ready_file(arguments.ready_file, ready_text(server));
  if (!arguments.quiet) print_table(server, bench->name());
  if (received_signal == 0) server.run();
  serving = nullptr;
  return received_signal == 0 ? exit_done : exit_signal_base + received_signal;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app{"A simulated test bench on real sockets: cyclers, chambers and loggers with cells in them.", "cellrig-sim"};
  app.add_option("bench", arguments.bench, "bench file with a section 'simulation', or the name of one that comes with cellrig")
      ->type_name("BENCH");
  app.add_option("--ready-file", arguments.ready_file,
                 "written as JSON once every port listens: what --simulator of cellrig reads")
      ->type_name("FILE");
  app.add_option("--host", arguments.server.host, "IPv4 address to listen on; loopback unless given")->capture_default_str();
  app.add_option("--port-base", arguments.server.port_base,
                 "back door on this port, instruments on those after it; default: free ports");
  app.add_option("--seed", arguments.seed, "of everything random")->capture_default_str();
  app.add_option("--faults", arguments.fault_file, "a file with orders for faults, at their instants")->type_name("FILE");
  app.add_flag("--list-faults", arguments.lists_faults, "only lists the numbered faults, with the orders they stand for");
  app.add_option("--cells", arguments.cell_directories, "directory with cell files; may be repeated")->type_name("DIR");
  app.add_flag("--quiet", arguments.quiet, "no table of addresses");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_bad_input;
  }
  if (arguments.lists_faults) return list_faults();
  if (arguments.bench.empty()) {
    fmt::print(stderr, "cellrig-sim: BENCH is missing: a bench file, or the name of one that comes with cellrig\n");
    return exit_bad_input;
  }
  try {
    return serve(arguments);
  } catch (const ConfigError& error) {
    fmt::print(stderr, "cellrig-sim: {}\n", error.what());
    return exit_bad_input;
  } catch (const std::system_error& error) {
    fmt::print(stderr, "cellrig-sim: {}\n", error.what());
    return exit_bad_input;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cellrig-sim: internal error: {}\n", error.what());
    return exit_instrument_failed;
  }
}
