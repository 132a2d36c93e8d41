// A reaction passes through several threads; on a busy machine each wake-up waits behind whatever else runs.
#pragma once

namespace cellrig {

/// Asks the kernel for real-time scheduling (SCHED_FIFO, low among its kind) of the calling thread. Threads it starts are ordinary
/// again. False when the user may not (RLIMIT_RTPRIO, CAP_SYS_NICE): everything works as before, with longer tails.
bool prefer_this_thread() noexcept;
/// Back to ordinary scheduling: for work that takes long and controls nothing.
void make_this_thread_ordinary() noexcept;

}  // namespace cellrig
