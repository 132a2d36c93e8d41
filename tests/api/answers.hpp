// What tests read out of answers.
#pragma once

#include <gtest/gtest.h>

#include "controller/api/messages_codec.hpp"
#include "tests/api/http_client.hpp"

namespace cellrig::api::test {

/// Of an answer that must be a success.
template <class M>
M read(const Answer& answer) {
  EXPECT_EQ(answer.status / 100, 2) << answer.body;
  const Decoded<M> message = from_json<M>(answer.body);
  EXPECT_TRUE(message) << answer.body.substr(0, 300);
  return message ? *message : M{};
}

}  // namespace cellrig::api::test
