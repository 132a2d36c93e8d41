// Lets a person at the terminal confirm what a step asks for: a line on standard input with a name.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "controller/engine/program.hpp"

namespace cellrig::cli {

class PersonPrompt {
 public:
  /// `confirm` false: nothing is asked there now. `say` shows a line to the person.
  PersonPrompt(boost::asio::io_context& context, std::function<bool(const std::string& channel, const std::string& name)> confirm,
               std::function<void(const std::string& channel, const std::string& text)> say);
  ~PersonPrompt();
  PersonPrompt(const PersonPrompt&) = delete;
  PersonPrompt& operator=(const PersonPrompt&) = delete;

  void asked(const std::string& channel, const PersonTask& task);
  /// Nothing is read any more, and the context has nothing left to wait for.
  void close();

 private:
  void wait();
  void read();
  void hear_no_more();
  void line(const std::string& text);

  boost::asio::io_context& context_;
  std::function<bool(const std::string&, const std::string&)> confirm_;
  std::function<void(const std::string&, const std::string&)> say_;
  std::unique_ptr<boost::asio::posix::stream_descriptor> input_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< what still waits in the context looks first
  bool is_at_end_ = false;
  std::string typed_;
  std::map<std::string, std::string> open_;  ///< channel -> what is asked there
};

}  // namespace cellrig::cli
