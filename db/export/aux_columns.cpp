#include "db/export/aux_columns.hpp"

#include <algorithm>
#include <limits>

namespace cellrig::db {

Result<AuxColumns> AuxColumns::load(Reader& reader, RunKey run, std::span<const std::string_view> quantities) {
  AuxColumns columns;
  columns.columns_.resize(quantities.size());
  const Result<std::uint64_t> visited = reader.for_each_aux(run, [&](const AuxView& aux) {
    const auto found = std::find(quantities.begin(), quantities.end(), aux.row.quantity);
    if (found != quantities.end()) {
      columns.columns_[static_cast<std::size_t>(found - quantities.begin())].rows.push_back(
          {aux.row.test_time_ns, aux.row.value});
    }
    return true;
  });
  if (!visited) return visited.error();
  return columns;
}

double AuxColumns::at(std::size_t quantity, std::int64_t test_time_ns) {
  Column& column = columns_[quantity];
  double value = std::numeric_limits<double>::quiet_NaN();
  for (; column.next < column.rows.size() && column.rows[column.next].test_time_ns <= test_time_ns; ++column.next) {
    value = column.rows[column.next].value;
  }
  return value;
}

}  // namespace cellrig::db
