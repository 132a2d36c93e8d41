// From what was measured on each cell to the verdict on it, and from those to the verdict on the statement. Pure.
#pragma once

#include <string>

#include "controller/cli/verify/claim_judge.hpp"

namespace cellrig::cli {

/// A retention with a claimed number of cycles.
[[nodiscard]] bool is_life(const ClaimStatement& statement);

/// One side of a statement rests on a mass: on one that somebody weighed, or on that of a cell's file. `whose`: "the cell", "the cell to
/// compare with".
void note_mass(const ClaimStatement& statement, bool is_weighed, bool is_simulated, const std::string& whose, CellVerdict& cell);

/// `limit`: the statement's, or that of another reading.
void judge_cell(const ClaimStatement& statement, double limit, const Result<verdict::Measured>& measured, CellVerdict& cell);

/// From result.cells and result.qualifiers to everything else. `confidence`: of the share of the population that a sample shows.
void conclude_statement(const ClaimStatement& statement, double confidence, StatementVerdict& result);

void add_remark(StatementVerdict& result, const std::string& text);

}  // namespace cellrig::cli
