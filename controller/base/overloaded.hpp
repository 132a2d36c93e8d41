#pragma once

namespace cellrig {

/// For one std::visit per decision, without a default: a new alternative breaks the build.
template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace cellrig
