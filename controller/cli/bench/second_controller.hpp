// Somebody starts a second controller on a bench that has one (F43). Like every start it begins with OFF for its channels, and like
// every start it asks for the right to them before: unless it is a program that knows of no such right.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/async/task.hpp"
#include "controller/async/time_source.hpp"
#include "controller/cli/bench/links.hpp"
#include "controller/runtime/config.hpp"

namespace cellrig::cli {

/// Time and bench outlive the task.
struct SecondControllerParts {
  TimeSource& time;
  const BenchConfig& bench;
  std::function<std::unique_ptr<LinkMaker>()> make_links;
  std::string lease_directory;
  std::function<void(const std::string&)> say;
};

/// From its start to its end. What it was refused, and what it did, is said.
[[nodiscard]] Task<void> run_second_controller(SecondControllerParts parts, bool is_forced);

}  // namespace cellrig::cli
