// What the channels of a plan do: the library's profiles with drawn parameters, or texts that are made here.
#pragma once

#include "tests/swarm/draw.hpp"
#include "tests/swarm/plan.hpp"

namespace cellrig::swarm {

/// Profile and settings of this channel. The plan's family, pace and instruments are known by then.
void draw_profile(const Draw& draw, const Plan& plan, ChannelPlan& channel);

/// Of the family `courses`: every construct of the language whose current, or whose way, changes within a step or by what was measured.
[[nodiscard]] std::string course_profile(const Draw& draw, const Plan& plan, const ChannelPlan& channel);

}  // namespace cellrig::swarm
