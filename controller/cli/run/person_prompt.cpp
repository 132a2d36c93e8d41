#include "controller/cli/run/person_prompt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace cellrig::cli {
namespace {

constexpr std::size_t line_bytes_max = 200;

std::string printable(const std::string& typed) {
  std::string text;
  for (const char c : typed) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) text += c;
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  while (!text.empty() && text.front() == ' ') text.erase(0, 1);
  return text;
}

}  // namespace

PersonPrompt::PersonPrompt(boost::asio::io_context& context, std::function<bool(const std::string&, const std::string&)> confirm,
                           std::function<void(const std::string&, const std::string&)> say)
    : context_{context}, confirm_{std::move(confirm)}, say_{std::move(say)} {}

PersonPrompt::~PersonPrompt() { close(); }

void PersonPrompt::asked(const std::string& channel, const PersonTask& task) {
  open_.erase(channel);
  if (!task.is_confirmed) return say_(channel, "please: " + task.message + " (it goes on by itself when that is measured)");
  open_[channel] = task.message;
  if (is_at_end_)
    return say_(channel, "nobody can confirm '" + task.message + "': standard input is at its end. The step ends by its bound");
  say_(channel,
       "please: " + task.message + ". Then type " + (open_.size() > 1 ? channel + " and your name" : "your name") + " and Enter");
  if (!input_) wait();
}

void PersonPrompt::close() {
  boost::system::error_code ignored;
  if (input_) input_->close(ignored);
  input_.reset();
}

void PersonPrompt::wait() {
  if (!input_) {
    // From the background a read of the terminal would stop this process, with its outputs on: then it shall fail instead.
    ::signal(SIGTTIN, SIG_IGN);
    // A description of our own, so that nobody else finds the terminal or pipe in another mode than it was. Never waits for input.
    int copy = ::open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (copy < 0) copy = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    boost::system::error_code error;
    auto input = std::make_unique<boost::asio::posix::stream_descriptor>(context_);
    if (copy >= 0) input->assign(copy, error);
    if (copy < 0 || error) {  // a file or nothing at all: nobody types there
      if (copy >= 0) ::close(copy);
      return hear_no_more();
    }
    input_ = std::move(input);
  }
  input_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
                       if (alive.expired() || error == boost::asio::error::operation_aborted) return;
                       if (!error) return read();
                       hear_no_more();  // a file, /dev/null: nobody types there
                     });
}

void PersonPrompt::hear_no_more() {
  is_at_end_ = true;
  close();
  if (!open_.empty()) say_("cellrig", "standard input is at its end: nobody can confirm what is open");
}

void PersonPrompt::read() {
  std::array<char, line_bytes_max> bytes{};
  const ssize_t count = ::read(input_->native_handle(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return wait();
  if (count < 0 && errno == EIO) {  // in the background: asking again at once would be asking for ever
    close();
    return say_("cellrig",
                "this process is in the background and cannot hear you; the next question will be heard in the foreground");
  }
  if (count <= 0) {
    return hear_no_more();
  }
  typed_.append(bytes.data(), static_cast<std::size_t>(count));
  for (std::size_t end = typed_.find('\n'); end != std::string::npos; end = typed_.find('\n')) {
    const std::string text = printable(typed_.substr(0, end));
    typed_.erase(0, end + 1);
    line(text);
  }
  if (typed_.size() > line_bytes_max) typed_.clear();
  wait();
}

void PersonPrompt::line(const std::string& text) {
  if (text.empty() || open_.empty()) return;
  std::string channel = open_.begin()->first, name = text;
  if (open_.size() > 1) {
    const std::size_t space = text.find(' ');
    channel = text.substr(0, space);
    name = space == std::string::npos ? "" : printable(text.substr(space + 1));
    if (open_.count(channel) == 0 || name.empty()) {
      std::string list;
      for (const auto& [waiting, task] : open_) list += (list.empty() ? "" : ", ") + waiting;
      return say_("cellrig", "several channels ask for something: type one of " + list + ", a space and your name");
    }
  }
  open_.erase(channel);  // an answer, or a question that is over
  say_(channel, confirm_(channel, name) ? "confirmed by " + name : "nothing is asked there now");
}

}  // namespace cellrig::cli
