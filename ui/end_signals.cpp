#include "ui/end_signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace cellrig::ui {

namespace {

constexpr int end_signals[] = {SIGTERM, SIGINT, SIGHUP};
int end_pipe[2] = {-1, -1};  // a handler may write to a pipe, and may do next to nothing else

void tell_of_signal(int signal) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t written = ::write(end_pipe[1], &byte, 1);
  errno = before;
}

}  // namespace

EndSignals::EndSignals(QObject* parent) : QObject(parent) {
  if (::pipe2(end_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;
  notifier_ = std::make_unique<QSocketNotifier>(end_pipe[0], QSocketNotifier::Read);
  connect(notifier_.get(), &QSocketNotifier::activated, this, [this] {
    unsigned char signal = 0;
    if (::read(end_pipe[0], &signal, 1) == 1) Q_EMIT asked_to_end(signal);
  });
  struct sigaction action {};
  action.sa_handler = tell_of_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : end_signals) ::sigaction(number, &action, nullptr);
}

EndSignals::~EndSignals() {
  if (!notifier_) return;
  for (const int number : end_signals) ::signal(number, SIG_DFL);
  notifier_.reset();
  ::close(end_pipe[0]);
  ::close(end_pipe[1]);
}

}  // namespace cellrig::ui
