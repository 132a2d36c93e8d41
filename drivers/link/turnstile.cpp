#include "drivers/link/turnstile.hpp"

namespace cellrig {

Task<Result<void>> Turnstile::enter(Deadline deadline) {
  if (try_enter()) co_return Result<void>{};
  if (waiting_.size() >= waiting_count_max) co_return fail(Fault::busy, "too many requests wait for this link");
  Waiter waiter{*this};
  co_await waiter.wait.until(deadline.at);
  const bool lost_again = waiter.granted && waiter.owner != owner_;  // a cut_all() between the grant and this line
  if (waiter.cut || lost_again) co_return fail(Fault::interrupted, "cut while waiting for the link");
  if (waiter.granted) co_return Result<void>{};
  co_return fail(Fault::timeout, "the link stayed occupied by another request");
}

void Turnstile::take() {
  taken_ = true;
  ++owner_;
}

void Turnstile::leave(std::uint64_t owner) {
  if (taken_ && owner == owner_) pass_on();
}

void Turnstile::pass_on() {
  taken_ = false;
  if (waiting_.empty()) return;
  Waiter& next = *waiting_.front();
  waiting_.pop_front();
  take();
  next.granted = true;
  next.owner = owner_;
  next.wait.wake();
}

void Turnstile::cut_waiting() {
  for (Waiter* waiter : waiting_) {
    waiter->cut = true;
    waiter->wait.wake();
  }
  waiting_.clear();
}

void Turnstile::cut_all() {
  cut_waiting();
  taken_ = false;
  ++owner_;
}

}  // namespace cellrig
